// A client of the identity gallery in Node, made from protos/ alone.
//
//   node client.js enrol PEOPLE       enrols a folder of people: people/ann/1.jpg is enrolled as ann
//   node client.js watch FRAMES…      streams pictures of one visitor, as a camera does, and says who it is
//
// GALLERY_SERVER (127.0.0.1:50051), GALLERY_NAME (default) and GALLERY_API_KEY say where, as for the command `gallery`.
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const SERVER = process.env.GALLERY_SERVER ?? "127.0.0.1:50051";
const GALLERY = process.env.GALLERY_NAME ?? "default";
const DEADLINE_MS = 30_000;
const IN_FLIGHT = 8; // as many as a server holds of one stream; more would only wait in our memory

const protos = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "protos");
const definition = protoLoader.loadSync("gallery/v1/gallery_service.proto", {
  includeDirs: [protos],
  keepCase: true,
  defaults: true,
  oneofs: true,
  enums: String,
  longs: Number,
});
const { GalleryService } = grpc.loadPackageDefinition(definition).gallery.v1;

// A server that others can reach wants TLS: grpc.credentials.createSsl(readFileSync("ca.pem")) in place of this.
const client = new GalleryService(SERVER, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
const metadata = new grpc.Metadata();
if (process.env.GALLERY_API_KEY) metadata.set("authorization", `Bearer ${process.env.GALLERY_API_KEY}`);

/** Call an RPC by its name with a deadline; rejects with a grpc.ServiceError. */
function call(method, request) {
  const options = { deadline: new Date(Date.now() + DEADLINE_MS) };
  return promisify(client[method].bind(client))(request, metadata, options);
}

/** Enrol every picture of a folder with a folder for each person. Enrolling a picture again changes nothing. */
async function enrol(people) {
  await call("CreateGallery", { gallery_id: GALLERY }).catch((error) => {
    if (error.code !== grpc.status.ALREADY_EXISTS) throw error;
  });
  for (const person of readdirSync(people).sort()) {
    const files = readdirSync(join(people, person)).sort();
    const images = files.map((file) => ({ content: readFileSync(join(people, person, file)) }));
    const { results } = await call("Enroll", { gallery_id: GALLERY, identity_id: person, images });
    const created = results.filter((result) => result.template?.created).length;
    console.log(`${person}: ${created} of ${files.length} pictures are new`);
  }
}

/** Stream pictures and print each answer as it comes; they may overtake each other. Resolves to how many failed. */
function watch(frames) {
  const stream = client.IdentifyStream(metadata);
  stream.write({ options: { gallery_id: GALLERY, max_candidates: 1 } });

  let next = 0;
  let failed = 0;
  const send = () => {
    if (next < frames.length) {
      const frame = frames[next];
      const image = { content: readFileSync(frame), context: { camera_id: "example" } };
      stream.write({ probe: { item_id: `${next++} ${basename(frame)}`.slice(0, 256), image, track_ids: ["visitor"] } });
    } else if (next++ === frames.length) {
      stream.write({ end_track: { item_id: "end", track_id: "visitor" } });
      stream.end();
    }
  };

  return new Promise((resolve, reject) => {
    stream.on("data", ({ item_id, response, error, tracks }) => {
      if (error) {
        failed += 1;
        console.log(`${item_id}: refused, ${error.message}`);
      }
      for (const person of response?.identifications ?? []) console.log(`${item_id}: ${verdict(person)}`);
      if (item_id === "end") {
        for (const track of tracks) console.log(`all ${track.image_count} together: ${verdict(track.identification)}`);
      }
      send();
    });
    stream.on("error", reject);
    stream.on("end", () => resolve(failed));
    for (let begun = 0; begun < IN_FLIGHT; begun++) send();
  });
}

/** Say TRUE or FALSE, who, and at what distance. */
function verdict({ matched, outcome, candidates }) {
  const [nearest] = candidates;
  const who = nearest ? `${nearest.identity_id} at ${nearest.distance.toFixed(3)}` : "nobody is enrolled";
  return `${matched ? "TRUE" : "FALSE"} ${who} (${outcome.replace("OUTCOME_", "")})`;
}

const [command, ...names] = process.argv.slice(2);
try {
  if (command === "enrol" && names.length === 1) {
    await enrol(names[0]);
  } else if (command === "watch" && names.length > 0) {
    process.exitCode = (await watch(names)) > 0 ? 1 : 0;
  } else {
    console.error("usage: node client.js enrol PEOPLE | watch FRAMES…");
    process.exitCode = 2;
  }
} catch (error) {
  // A refusal is a canonical code, with the reason in a google.rpc.ErrorInfo and a sentence for people.
  console.error(`${grpc.status[error.code] ?? "failed"}: ${error.details ?? error.message}`);
  process.exitCode = 3;
} finally {
  client.close();
}
