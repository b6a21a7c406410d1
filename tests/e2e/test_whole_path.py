"""What a person sees from a magnet to the corrected note."""

from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept, states


async def test_a_magnet_is_saved_calibrated_in_one_message_and_corrected(running: World) -> None:
    sample = running.swarm.seed(make_sample("三体.全集.mkv", kind="v1"))
    text = f"to watch：{sample.magnet(dn='18')}，later"
    saved = await running.ask(text)
    assert saved.text == "#1 saved: 1 magnet."
    assert saved.buttons[0][0][0] == "Calibrate"
    card = await running.ask("/calibrate 1")
    await running.shows(card, "completed", "#1", (sample.v1 or "")[:8], "三体.全集.mkv", "verified")
    assert states(card)[-1] == "completed"
    assert set(states(card)) <= {"pending", "running", "completed"}
    note = await running.ask("/note 1")
    assert note.text.startswith("三体.全集.mkv · ")
    assert kept(note) == text.replace("dn=18", "dn=%E4%B8%89%E4%BD%93.%E5%85%A8%E9%9B%86.mkv")
