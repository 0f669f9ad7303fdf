"""Sound and picture of a browser stay together over a real connection."""

from __future__ import annotations

import asyncio

import numpy as np

from tests.web.fakes import first, server


def test_a_flash_and_its_beep_stay_together():
    async def scenario() -> tuple[list[float], list[float], float]:
        async with server() as here:
            browser = here.browser()
            await browser.connect()
            async with browser.events() as messages:
                while len(here.runs.ears[0].beeps) < 8:
                    await first(messages, "TranscriptFinal")
            assert browser.microphone and browser.camera
            late = max(browser.microphone.late, browser.camera.late)
            await browser.end()
            await browser.close()
        return here.runs.ears[0].beeps, here.runs.eyes[0].flashes, late

    beeps, flashes, late = asyncio.run(scenario())
    nearest = [min((flash - beep for flash in flashes), key=abs) for beep in beeps]
    offsets = [offset for offset in nearest if abs(offset) < 0.2]
    print(f"flash after beep, ms: {[round(1000 * each) for each in offsets]}; sent up to {1000 * late:.0f} ms late")
    # A sender that is held up by a busy machine is told apart no better than that.
    assert offsets and abs(float(np.median(offsets))) <= 0.03 + late
