"""The command line: `gallery serve`, `enrol`, `identify`, `verify`, `annotate`, `calibrate`, `doctor` and more."""

import os
import sys
from io import TextIOWrapper

import typer

from gallery.cli import (
    audit,
    backup,
    calibrate,
    care,
    demo,
    draw,
    enrol,
    galleries,
    health,
    keys,
    migrate,
    model,
    people,
    policy,
    serve,
    watch,
)
from gallery.cli.exits import EXIT_CODES, GalleryCommands
from gallery.cli.setting_flags import SettingsCommand

app = typer.Typer(
    cls=GalleryCommands,
    help=(
        "An identity gallery: who is this person, how near, and is it a match, TRUE or FALSE? "
        "Commands work on a running server (--server) or directly on a store folder (--store)."
    ),
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command("demo", epilog=demo.EPILOG)(demo.demo)
app.command("serve", cls=SettingsCommand, epilog=serve.EPILOG)(serve.serve)
app.command("health", cls=SettingsCommand, epilog=health.EPILOG)(health.health)
app.command("enrol", epilog=enrol.EPILOG)(enrol.enrol)
app.command("identify", epilog=people.IDENTIFY_EPILOG)(people.identify)
app.command("verify", epilog=people.VERIFY_EPILOG)(people.verify)
app.command("annotate", epilog=people.ANNOTATE_EPILOG)(people.annotate)
app.command("watch", epilog=watch.EPILOG)(watch.watch)
app.command("list", epilog=galleries.LIST_EPILOG)(galleries.list_)
app.command("erase", epilog=galleries.ERASE_EPILOG)(galleries.erase)
app.command("calibrate", epilog=calibrate.EPILOG)(calibrate.calibrate)
app.command("doctor", epilog=care.DOCTOR_EPILOG)(care.doctor)
app.command("merge", epilog=care.MERGE_EPILOG)(care.merge)
app.command("split", epilog=care.SPLIT_EPILOG)(care.split)
app.command("undo", epilog=care.UNDO_EPILOG)(care.undo)
app.command("backup", epilog=backup.BACKUP_EPILOG)(backup.backup)
app.command("restore", epilog=backup.RESTORE_EPILOG)(backup.restore)
app.command("migrate", epilog=migrate.EPILOG)(migrate.migrate)
galleries.app.command("threshold", epilog=policy.THRESHOLD_EPILOG)(policy.threshold)
galleries.app.command("policy", epilog=policy.POLICY_EPILOG)(policy.policy)
app.add_typer(galleries.app, name="galleries")
app.add_typer(model.app, name="model")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.command("draw", epilog=draw.EPILOG)(draw.draw)


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # gRPC's own notes would stand between the messages
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # and FFmpeg's
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: a name may be no Unicode
    app(prog_name="gallery")
