"""Programs written for OpenAI's transcription, by its own client."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx
import pytest

from lipstream.events import Remark, SpeechStarted
from lipstream.web.address import Address
from lipstream.web.files.uploads import UploadLimits
from lipstream.web.openai.api import OpenAiApi
from lipstream.web.openai.languages import code_of
from lipstream.web.openai.prompt import terms_of
from tests.commands.fakes import Captions, sentence
from tests.web.fakes import PATIENCE, Server, server
from tests.web.test_uploads import files, recording

# Where it is used, and not in every process that looks which tests there are: that takes a second and a half.
if TYPE_CHECKING:
    import openai

TOKEN = "a-long-enough-secret"


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch) -> Captions:
    fake = Captions()
    fake.steps = [
        SpeechStarted(segment=1, start=0.1),
        sentence("Hello there.", 0.2),
        sentence("All is well.", 1.2, 2),
    ]
    monkeypatch.setattr("lipstream.captions._captions_graph", fake.build)
    return fake


def client(here: Server, key: str = "none") -> openai.AsyncOpenAI:
    import openai

    return openai.AsyncOpenAI(base_url=f"{here.base}/v1", api_key=key, max_retries=0, timeout=PATIENCE)


def ask(folder: Path, address: Address | None = None, key: str = "none", **wanted):
    """What the official client gets; afterwards nothing is left on the disk."""

    async def scenario():
        async with server(address=address, limits=UploadLimits(50_000_000, 80.0)) as here, client(here, key) as api:
            try:
                return await api.audio.transcriptions.create(
                    **{"file": ("talk.wav", recording()), "model": "whisper-1", **wanted}
                )
            finally:
                assert files(folder) == []

    return asyncio.run(scenario())


def test_the_text(captions: Captions, folder: Path):
    answer = ask(folder)
    assert answer.text == "Hello there. All is well."
    assert captions.configs[0].mode == "file" and captions.configs[0].input is not None


def test_words_and_segments_with_their_times(captions: Captions, folder: Path):
    answer = ask(folder, response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert [(word.word, word.start, word.end) for word in answer.words] == [
        ("Hello", 0.2, 0.5),
        ("there.", 0.6, 0.9),
        ("All", 1.2, 1.5),
        ("is", 1.6, 1.9),
        ("well.", 2.0, 2.3),
    ]
    assert [(each.id, each.start, each.end, each.text) for each in answer.segments] == [
        (0, 0.2, 0.9, "Hello there."),
        (1, 1.2, 2.3, "All is well."),
    ]
    assert answer.segments[0].avg_logprob == pytest.approx(-0.1054, abs=1e-4)
    assert answer.text == "Hello there. All is well." and answer.usage.type == "duration"
    assert answer.words[0].confidence == 0.9
    only = ask(folder, response_format="verbose_json")
    assert only.words is None and len(only.segments) == 2


def test_plain_text_and_subtitles(captions: Captions, folder: Path):
    assert ask(folder, response_format="text").splitlines() == ["Hello there.", "All is well."]
    srt = ask(folder, response_format="srt")
    assert srt.startswith("1\n00:00:00,") and "Hello there." in srt
    vtt = ask(folder, response_format="vtt")
    assert vtt.startswith("WEBVTT") and "All is well." in vtt


def test_text_comes_while_the_recording_is_captioned(captions: Captions, folder: Path, monkeypatch):
    """The second segment is not before the client has the first; a stream that waits says so in between."""
    monkeypatch.setattr("lipstream.web.openai.api._ALIVE_SECONDS", 0.02)
    heard = threading.Event()
    first, second = sentence("Hello there.", 0.2), sentence("All is well.", 1.2, 2)
    captions.steps = [first, lambda: heard.wait(PATIENCE), second]

    async def scenario():
        told = []
        async with server() as here, client(here) as api:
            stream = await api.audio.transcriptions.create(
                file=("talk.wav", recording()), model="gpt-4o-transcribe", stream=True
            )
            async for event in stream:
                told.append(event)
                heard.set()
            assert files(folder) == []
        return told

    told = asyncio.run(scenario())
    assert [event.type for event in told] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert [event.delta for event in told[:2]] == ["Hello there.", " All is well."]
    assert told[-1].text == "Hello there. All is well."


def test_a_client_that_leaves_a_stream_leaves_no_task_behind():
    async def scenario():
        upload = SimpleNamespace(finished=asyncio.Event())
        api = OpenAiApi(SimpleNamespace(forget=lambda _: None))
        reading = asyncio.create_task(anext(api._stream(upload, asyncio.Queue())))
        while len(asyncio.all_tasks()) < 4:  # this one, the reader, what it waits for
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(scenario()) == set()


def test_a_stream_that_fails_says_so_in_the_stream(captions: Captions, folder: Path):
    import openai

    captions.steps = [sentence("Hello.", 0.2), RuntimeError("broken")]

    async def scenario():
        async with server() as here, client(here) as api:
            stream = await api.audio.transcriptions.create(
                file=("talk.wav", recording()), model="whisper-1", stream=True
            )
            async for _ in stream:
                pass

    with pytest.raises(openai.APIError):
        asyncio.run(scenario())


def test_language_prompt_and_model_decide_how_it_is_read(captions: Captions, folder: Path):
    prompt = "Ada Lovelace, ZyntriQix. This is a long sentence which tells nothing but style; Babbage"
    ask(folder, language="de", prompt=prompt, model="lipstream-best", temperature=0.2)
    speech = captions.configs[0].speech
    assert (speech.language, speech.quality) == ("de", "best")
    assert speech.terms == ("Ada Lovelace", "ZyntriQix", "Babbage")


@pytest.mark.parametrize(
    ("prompt", "terms"),
    [
        ("", []),
        ("Ada", ["Ada"]),
        ("Dr. Who, U.S. Steel\nAda ; Ada", ["Dr. Who", "U.S. Steel", "Ada"]),
        (
            "Dr. Ada Lovelace, ratio 3:1; St. Mary's. Hello, yes. J. R. R. Tolkien! Speakers: ZyntriQix 3.5",
            ["Dr. Ada Lovelace", "ratio 3:1", "St. Mary's", "J. R. R. Tolkien", "Speakers", "ZyntriQix 3.5"],
        ),
        ("The cat. sertraline, ... ,I. Newton", ["The cat", "sertraline", "I. Newton"]),
        ("One two three four five six.", []),
    ],
)
def test_a_prompt_is_names_and_phrases(prompt: str, terms: list[str]):
    assert terms_of(prompt) == terms


@pytest.mark.parametrize(
    ("wanted", "status", "param", "said"),
    [
        ({"model": "gpt-9"}, 404, "model", "gpt-9"),
        ({"response_format": "docx"}, 400, "response_format", "verbose_json"),
        ({"language": "klingon"}, 400, "language", "'klingon' is no language that is known"),
        ({"temperature": 7}, 400, "temperature", "0 to 1"),
        ({"timestamp_granularities": ["word"]}, 400, "timestamp_granularities", "verbose_json"),
        ({"timestamp_granularities": ["letter"]}, 400, "timestamp_granularities", "word, segment"),
        ({"prompt": "x" * 200}, 400, "prompt", "x"),
        ({"stream": True, "response_format": "srt"}, 400, "stream", "srt"),
        ({"file": ("notes.mp4", b"Just some words.\n" * 99)}, 400, "file", "notes.mp4"),
        ({"file": ("empty.wav", b"")}, 400, "file", "empty.wav"),
        ({"file": ("long.wav", recording(90.0))}, 413, None, "90 seconds"),
    ],
)
def test_what_cannot_be_is_said_in_openais_form(captions, folder: Path, wanted, status: int, param, said: str):
    import openai

    with pytest.raises(openai.APIStatusError) as refused:
        ask(folder, **wanted)
    assert refused.value.status_code == status
    assert refused.value.body["param"] == param and said in refused.value.body["message"]
    assert refused.value.body["type"] in ("invalid_request_error", "not_found_error")


def test_the_token_is_the_api_key(captions: Captions, folder: Path):
    import openai

    address = Address("127.0.0.1", 0, TOKEN)
    assert ask(folder, address, TOKEN).text == "Hello there. All is well."
    with pytest.raises(openai.AuthenticationError) as refused:
        ask(folder, address, "another")
    assert refused.value.body["code"] == "invalid_api_key"


def test_the_models():
    import openai

    async def scenario():
        async with server() as here, client(here) as api:
            names = [model.id async for model in api.models.list()]
            one = await api.models.retrieve("lipstream")
            with pytest.raises(openai.NotFoundError) as retrieved:
                await api.models.retrieve("nothing")
            with pytest.raises(openai.NotFoundError) as asked:
                await api.audio.transcriptions.create(file=("talk.wav", recording()), model="nothing")
            for refused in (retrieved, asked):
                body = refused.value.body
                assert (body["type"], body["param"], body["code"]) == ("not_found_error", "model", "model_not_found")
            return names, one

    names, one = asyncio.run(scenario())
    assert {"lipstream", "lipstream-best", "whisper-1"} <= set(names) and one.owned_by == "lipstream"


def test_a_translation_is_english_and_says_that_it_is_one(captions: Captions, folder: Path):
    import openai

    async def scenario():
        async with server() as here, client(here) as api:
            file = ("talk.wav", recording())
            plain = await api.audio.translations.create(file=file, model="whisper-1")
            told = await api.audio.translations.create(file=file, model="whisper-1", response_format="verbose_json")
            with pytest.raises(openai.BadRequestError) as refused:
                await api.audio.translations.create(file=file, model="lipstream-fast")
            return plain, told, refused.value.body

    plain, told, refused = asyncio.run(scenario())
    assert plain.text == "Hello there. All is well."
    assert told.task == "translate" and len(told.segments) == 2
    assert [config.speech.task for config in captions.configs] == ["translate"] * 2
    assert refused["param"] == "model" and "translates nothing" in refused["message"]


def test_a_language_may_be_named_as_answers_name_it(captions: Captions, folder: Path):
    answer = ask(folder, language="German", response_format="verbose_json")
    assert captions.configs[0].speech.language == "de" and answer.task == "transcribe"
    assert [code_of(text) for text in ("haitian  Creole", "EN", "english", "klingon")] == ["ht", "EN", "en", "klingon"]


def test_who_goes_before_the_answer_leaves_nothing_behind(captions: Captions, folder: Path):
    begun, go = threading.Event(), threading.Event()
    captions.steps = [lambda: begun.set() or go.wait(PATIENCE), *([sentence("Hello.", 0.2)] * 50)]

    async def scenario():
        async with server() as here:
            async with client(here) as api:
                asking = asyncio.ensure_future(
                    api.audio.transcriptions.create(file=("talk.wav", recording()), model="whisper-1")
                )
                await asyncio.to_thread(begun.wait, PATIENCE)
                asking.cancel()
            go.set()
            async with asyncio.timeout(PATIENCE):
                while files(folder):
                    await asyncio.sleep(0.05)

    asyncio.run(scenario())


def test_a_form_that_is_none_is_refused(folder: Path):
    async def scenario():
        async with server() as here, httpx.AsyncClient(base_url=here.base) as http:
            path = "/v1/audio/transcriptions"
            plain = await http.post(path, content=b"x")
            broken = await http.post(path, content=b"x", headers={"content-type": "multipart/form-data; boundary=a"})
            empty = await http.post(path, data={"model": "x"}, files={"other": b""})
            many = await http.post(path, data={f"f{n}": "x" for n in range(100)}, files={"file": b"x"})
            long = await http.post(path, data={"prompt": "x" * 100_000}, files={"file": b"x"})
            missing = await http.get("/v1/nothing")
            assert plain.json()["error"]["code"] is None
            return [plain, broken, empty, many, long, missing]

    answers = asyncio.run(scenario())
    assert [answer.status_code for answer in answers] == [415, 400, 400, 400, 400, 404]
    assert all(answer.json()["error"]["message"] for answer in answers)


def test_a_recording_without_speech_is_an_empty_text(captions: Captions, folder: Path):
    captions.steps = [Remark(modality="audio", kind="no_speech", text="no speech was heard")]
    assert ask(folder).text == "" and ask(folder, response_format="text") in ("", None)


def test_the_program_on_the_page_works(captions: Captions, folder: Path, capsys, monkeypatch: pytest.MonkeyPatch):
    page = Path(__file__).parents[3] / "docs" / "serving.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "talk.mp4").write_bytes(recording())
    monkeypatch.chdir(folder)

    async def scenario():
        async with server() as here:
            program = code.replace("http://127.0.0.1:8765", here.base)
            assert program != code
            await asyncio.to_thread(exec, compile(program, str(page), "exec"), {})

    asyncio.run(scenario())
    assert capsys.readouterr().out == "Hello there. All is well. 0.2\n"


@pytest.mark.media
def test_a_video_is_read_with_its_lips(obama_speech: Path):
    async def scenario():
        async with server() as here, client(here) as api:
            with obama_speech.open("rb") as video:
                return await api.audio.transcriptions.create(
                    file=video,
                    model="lipstream-fast",
                    response_format="verbose_json",
                    timestamp_granularities=["word", "segment"],
                )

    answer = asyncio.run(scenario())
    assert "after two years of negotiations" in answer.text.lower().replace(",", "")
    assert answer.language == "english" and 8 < answer.duration < 9.5
    # Whose mouth it was is known by the lips alone.
    assert {segment.face for segment in answer.segments} == {1}
