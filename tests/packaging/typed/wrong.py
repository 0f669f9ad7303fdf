from lipstream import Pipeline, TranscriptFinal, TranscriptFnal, TranscriptPartial  # noqa: F401

run = Pipeline.from_config("live")


@run.on(TranscriptFinal)
def caption(event: TranscriptFinal) -> None:
    print(event.txt)


@run.on(TranscriptFinal)
def other(event: TranscriptPartial) -> None: ...


print(run.config.vad.treshold)
