"""`serve`: the web page."""

from __future__ import annotations

import argparse
import logging
import os
import webbrowser
from importlib.util import find_spec
from pathlib import Path

from lipstream.commands.failures import OK, note
from lipstream.commands.options import (
    add_emotion_argument,
    add_set_argument,
    add_verb,
    add_verbosity_arguments,
    add_words_arguments,
    emotion_settings,
    words_settings,
)

EXAMPLE = """\
lipstream serve
lipstream serve --open --set speech.update_interval=0.3
lipstream serve --host 0.0.0.0 --token-file token.txt --tls-cert cert.pem --tls-key key.pem"""

_NEEDED = ("aiortc", "starlette", "uvicorn", "websockets", "prometheus_client", "python_multipart")


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    summary = "show captions and emotion in a browser, for its camera and microphone"
    parser = add_verb(verbs, "serve", summary, EXAMPLE, run)
    parser.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="where to listen; other than this machine needs a token"
    )
    parser.add_argument("--port", type=_port, metavar="NUMBER", default=8765, help="where to listen")
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        type=Path,
        help="a file with the secret that every request has to bring; without, it is what LIPSTREAM_TOKEN says",
    )
    parser.add_argument(
        "--token", metavar="TEXT", help="the secret itself, which other users of this machine can then see"
    )
    parser.add_argument(
        "--tls-cert", "--certfile", dest="certfile", metavar="FILE", type=Path, help="certificate for HTTPS, as PEM"
    )
    parser.add_argument(
        "--tls-key", "--keyfile", dest="keyfile", metavar="FILE", type=Path, help="key of the certificate, as PEM"
    )
    parser.add_argument(
        "--public-url", metavar="URL", help="address by which others reach it through a proxy, with a path or without"
    )
    parser.add_argument(
        "--trusted-proxies", metavar="LIST", help="addresses and networks whose X-Forwarded headers are believed"
    )
    _add_limits(parser)
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="of the log on standard error")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument(
        "--config", metavar="NAME|PATH", default="live", help="configuration, by name or as a YAML file"
    )
    add_set_argument(parser)
    add_words_arguments(parser)
    add_emotion_argument(parser)
    add_verbosity_arguments(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-sessions",
        metavar="N",
        type=_positive,
        help="most live sessions at once, of browsers and programs together (default: one for two cores)",
    )
    parser.add_argument(
        "--max-recordings", metavar="N", type=_positive, default=8, help="most recordings that are kept at once"
    )
    parser.add_argument(
        "--max-upload-mb", metavar="N", type=_positive, default=500, help="largest recording that can be sent, in MB"
    )
    parser.add_argument(
        "--max-upload-minutes", metavar="N", type=_positive, default=60, help="longest recording that can be sent"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from lipstream.commands.options import settings
    from lipstream.commands.running import interrupts
    from lipstream.config import load_config
    from lipstream.pipeline import UserError

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise UserError(f"serve needs {', '.join(missing)}, which {are} not installed: pip install 'lipstream[web]'")
    if (args.certfile is None) != (args.keyfile is None):
        raise UserError("--tls-cert and --tls-key belong together: give both, or none")
    from lipstream.stages.enrol.consent import GrowthConsent, may_be_asked
    from lipstream.web.address import Address
    from lipstream.web.files.recording import file_config
    from lipstream.web.files.uploads import UploadLimits
    from lipstream.web.front import front_of
    from lipstream.web.growing.local import is_own_server
    from lipstream.web.growing.runs import learn_on, prepare_own
    from lipstream.web.ops.logs import log_as_json
    from lipstream.web.prepare import prepare, with_reports
    from lipstream.web.secret import token_of
    from lipstream.web.server import Service, serve

    overrides = settings(args.settings) | emotion_settings(args) | words_settings(args)
    live = load_config(args.config, {**overrides, "mode": "live"})
    config = with_reports(live)
    certificate = (args.certfile, args.keyfile) if args.certfile else None
    token = token_of(args.token, args.token_file)
    address = Address(args.host, args.port, token, certificate, front_of(args.public_url, args.trusted_proxies))
    limits = UploadLimits(args.max_upload_mb * 1_000_000, args.max_upload_minutes * 60, args.max_recordings)
    recordings = file_config(args.config, overrides, limits.max_seconds)
    consent = GrowthConsent() if is_own_server(address) and may_be_asked(live) else None
    service = Service(
        (lambda: prepare(config)) if consent is None else lambda: prepare_own(config, consent),
        args.max_sessions or _default_sessions(),
        recordings,
        limits,
        live,
        consent=consent,
        after=lambda: None if consent is None else learn_on(consent),
    )

    if args.log_format == "json":
        log_as_json()

    def ready(url: str) -> None:
        if args.log_format == "json":
            # Without the address: it has the token in it.
            logging.getLogger(__name__).info("ready")
        elif not args.quiet:
            # What was kept out of the command line is kept out of the log that this may go to.
            hidden = token is not None and args.token is None
            shown = f"{url.partition('?')[0]}?token=TOKEN" if hidden else url
            note(f"open {shown} in a browser; Ctrl-C ends")
        if args.open:
            webbrowser.open(url)

    with interrupts() as asked:
        serve(address, service, asked, ready)
    return OK


def _default_sessions() -> int:
    return max(1, (os.cpu_count() or 1) // 2)


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("expected a number from 0 to 65535")
    return number


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return number
