"""Every page in a real browser, in both themes: whole, without a grave finding of axe, and running nothing foreign."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Open
from tests.browser.lessons import HOSTILE, begin, break_off, broken, firing, tell
from tests.system.stack import Stack
from tests.waiting import wait_for

GRAVE = ("serious", "critical")
HOSTILE_SESSION = "hostile"


class Scene(NamedTuple):
    """A Vigil where something of everything happened."""

    vigil: Stack
    alert: str


@pytest.fixture(scope="module")
def scene(vigil: Stack) -> Scene:
    """One recording goes well, one is broken, one is full of hostile names; one notification is a dead letter."""
    begin(vigil, "well")
    alert = broken(vigil, "broken")
    image, script, turned = HOSTILE
    begin(vigil, HOSTILE_SESSION, (image, script), cname=image + turned)
    tell(
        vigil, HOSTILE_SESSION, 1, {"module": script, "errorLevel": 4, "errorCode": 32, "errorMsg": image}, cname=image
    )
    break_off(vigil, HOSTILE_SESSION, script, cname=image + turned)
    firing(vigil, HOSTILE_SESSION)
    tell(vigil, "poisoned", 44, {"state": 0})  # of which stream it does not say
    wait_for(lambda: vigil.get("/api/v1/dead-letters")["items"], 10, "nothing became a dead letter")
    return Scene(vigil, alert["id"])


PAGES = {
    "overview": "/ops/",
    "sessions": "/ops/sessions",
    "session": "/ops/sessions/broken",
    "hostile session": f"/ops/sessions/{HOSTILE_SESSION}",
    "alerts": "/ops/alerts",
    "alert": "/ops/alerts/{alert}",
    "silences": "/ops/silences",
    "new silence": "/ops/silences/new?alert={alert}",
    "notifications": "/ops/notifications",
    "dead letters": "/ops/dead-letters",
    "system": "/ops/system",
    "search": f"/ops/search?for={quote(HOSTILE[0])}",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_is_whole_and_accessible_and_runs_nothing_foreign(
    scene: Scene, open_page: Open, path: str, theme: str
) -> None:
    alarmed: list[str] = []
    page = open_page("about:blank", color_scheme=theme)
    page.on("dialog", lambda dialog: alarmed.append(dialog.message))
    page.goto(scene.vigil.url + path.format(alert=scene.alert))
    assert page.title().endswith("Agora ops")
    assert page.locator("h1").count() == 1
    assert page.locator("#verdict").inner_text()
    found = Axe().run(page).response["violations"]
    grave = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found if each["impact"] in GRAVE]
    assert grave == []
    assert alarmed == []
    assert page.locator("img, script:not([src])").count() == 0


@pytest.mark.parametrize("path", ["/ops/", "/ops/alerts"])
def test_a_phone_needs_no_scrolling_sideways(scene: Scene, open_page: Open, path: str) -> None:
    page = open_page(scene.vigil.url + path, viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
