// A client of the identity gallery made from protos/ alone: enrols a folder of people, then asks who probes are.
//
//   node client.js HOST:PORT PEOPLE PROBE…      PEOPLE holds a folder for each person; prints one JSON object
//
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const GALLERY = "node-example";
const DEADLINE_MS = 30_000;

const protos = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "protos");
const definition = protoLoader.loadSync("gallery/v1/gallery_service.proto", {
  includeDirs: [protos],
  keepCase: true,
  defaults: true,
  enums: String,
  longs: Number,
});
const { GalleryService } = grpc.loadPackageDefinition(definition).gallery.v1;

const [address, people, ...probes] = process.argv.slice(2);
const client = new GalleryService(address, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });

/** Call an RPC by its name with a deadline; rejects with a grpc.ServiceError. */
function call(method, request) {
  const options = { deadline: new Date(Date.now() + DEADLINE_MS) };
  return promisify(client[method].bind(client))(request, new grpc.Metadata(), options);
}

await call("CreateGallery", { gallery_id: GALLERY });

let enrolled = 0;
for (const person of readdirSync(people)) {
  const images = readdirSync(join(people, person)).map((file) => ({ content: readFileSync(join(people, person, file)) }));
  const { results } = await call("Enroll", { gallery_id: GALLERY, identity_id: person, images });
  enrolled += results.filter((result) => result.template?.created).length;
}

const answers = [];
for (const probe of probes) {
  const image = { content: readFileSync(probe) };
  const { identifications, basis } = await call("Identify", { gallery_id: GALLERY, image, max_candidates: 3 });
  const [{ matched, outcome, candidates }] = identifications;
  answers.push({ probe: basename(probe), matched, outcome, candidates, threshold: basis.threshold });
}

// A refusal is a canonical code, with the reason in a google.rpc.ErrorInfo and a sentence for people.
const refusal = await call("Identify", { gallery_id: GALLERY, image: { content: Buffer.from("no picture") } }).then(
  () => null,
  (error) => ({ code: grpc.status[error.code], message: error.details }),
);

console.log(JSON.stringify({ enrolled, answers, refusal }, null, 2));
client.close();
