"""What a group is told whose ordinary messages Telegram hides from the bot."""

from pathlib import Path

import pytest

from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world


@pytest.mark.parametrize("reads_all", [True, False])
async def test_a_start_in_a_group_says_whether_privacy_mode_hides_its_messages(tmp_path: Path, reads_all: bool) -> None:
    async with opened_world(tmp_path, World, reads_all=reads_all) as world:
        await world.start()
        group = world.api.group("Friends", world.alice)
        strange = world.api.group("Not let in", world.alice)
        assert "I see all that is posted here" not in (await world.ask("/start", chat=strange)).text
        await world.ask("/allow", chat=group)
        said = world.alice.say(group, make_sample("posted").magnet())
        started = await world.ask("/start", chat=group)
        hidden = "privacy mode" in started.text
        assert hidden is not reads_all
        assert ("I see all that is posted here" in started.text) is reads_all
        assert any(one.reply_to is said for one in group.bot_messages) is reads_all
        if hidden:
            assert "/setprivacy" in started.text
            saved = await world.answer(world.alice.say(group, "/save", reply_to=said))
            assert saved.text == "#1 saved: 1 magnet."
        group.set_status(world.api.bot, "administrator")
        assert "privacy mode" not in (await world.ask("/start", chat=group)).text
        assert "privacy mode" not in (await world.ask("/start")).text
