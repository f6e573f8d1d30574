"""The live demos as a reader uses them, in a page opened from a folder; their mathematics against torch's."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.optim import Adam

from autograde.writing import chapter
from autograde.writing.markdown import PlainMarkdown
from clipkit.steered_walkers import COMMANDS
from solutions.published import live_pictures
from solutions.published.shipped import trained
from solutions.stability import r1_penalty

from .small import build_small

ROOT = Path(__file__).parents[2]
GENERATORS = ("dcgan", "mocogan", "steered")
KINDS = ("plane", "image", "video", "steered")
TEXT = "\n".join(f":::{{live}} {kind}\nTry **it**.\n:::\n" for kind in KINDS)


def build(folder: Path, text: str) -> str:
    """Builds a book of one page with the extension; returns the warnings."""
    (folder / "index.md").write_text(f"# Page\n\n{text}", encoding="utf-8")
    return build_small(folder, extensions=["myst_nb", "live"], myst_enable_extensions=["colon_fence"],
                       html_static_path=[str(ROOT / "book" / "assets")], exclude_patterns=["out"])


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """The page as a file: no server, as a reader has it who downloaded the book."""
    folder = tmp_path_factory.mktemp("live")
    assert build(folder, TEXT) == ""
    return (folder / "out" / "index.html").as_uri()


@pytest.fixture
def visit(browser, address):
    """visit(**context options) opens the page; at the end nothing may have gone wrong in it."""
    contexts, faults = [], []

    def open_page(**options):
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 2400}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(visit):
    return visit()


def demo(page, kind: str):
    """The demo; a generator is started, and its weights have come."""
    root = page.locator(f"#live-{kind}")
    if kind != "plane":
        root.get_by_role("button", name="Run the generator here").press("Enter")
    root.locator("canvas").first.wait_for()
    return root


def pixels(root) -> str:
    """What its first canvas shows, once what was asked for has been drawn."""
    return root.locator("canvas").first.evaluate("""async canvas => {
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return canvas.toDataURL()
    }""")


def status(root) -> str:
    return root.get_by_role("status").inner_text()


def step_of(root) -> int:
    return int(re.match(r"Step (\d+)\.", status(root))[1])


# What the page is made of


def test_a_page_without_a_demo_gets_no_script(tmp_path):
    assert build(tmp_path, "Nothing.") == ""
    assert "live/" not in (tmp_path / "out" / "index.html").read_text("utf-8")


def test_an_unknown_demo_is_a_warning(tmp_path):
    assert "expected {live} image or video or steered or plane, got 'clip'" in build(tmp_path, ":::{live} clip\n:::")


@pytest.mark.parametrize("name", GENERATORS)
def test_the_weights_that_go_with_the_page_are_the_shipped_ones(address, name):
    weights = Path(address.removeprefix("file://")).parent / "_static" / "live" / "weights"
    script = (weights / f"{name}.js").read_text("ascii")
    assert len(script) < 1_500_000
    shipped = (ROOT / "solutions" / "published" / "weights" / f"{name}.safetensors").read_bytes()
    assert base64.b64decode(re.search(r'"(.+)"', script)[1]) == shipped


@pytest.mark.parametrize("kind", KINDS)
def test_without_javascript_a_picture_stands_there(visit, kind):
    root = visit(java_script_enabled=False).locator(f"#live-{kind}")
    picture = root.get_by_role("img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 100
    assert len(picture.get_attribute("alt")) > 40
    assert "needs JavaScript" in root.inner_text()
    assert root.locator("button").count() == 0


@pytest.mark.parametrize("name", ["image", "video", "steered"])
def test_the_picture_is_one_by_the_shipped_generator(name):
    both = (Image.open(live_pictures.FOLDER / f"{name}.png"), getattr(live_pictures, name)().image)
    stored, fresh = (torch.tensor(list(image.convert("RGBA").tobytes())) for image in both)
    assert (stored - fresh).abs().max() <= 2, "make them anew: python -m solutions.published.live_pictures"


def test_a_student_notebook_has_a_link_to_the_page():
    head = "---\nkernelspec:\n  name: python3\n  display_name: Python 3\nchapter: 02_gan_losses\n---\n\n"
    read = chapter.parse(head + "# 2 · Title\n\n:::{live} plane\nPlay it\nyourself.\n:::", "02_gan_losses")
    text = PlainMarkdown(read, None)(read.notebook.cells[0].source)
    assert "> **Live, on [this chapter's page](https://" in text
    assert text.endswith("/02_gan_losses.html#live-plane).** Play it yourself.")


# The generators


@pytest.mark.parametrize("name, kind", [("dcgan", "image"), ("mocogan", "video")])
def test_a_generator_computes_what_torch_computes(page, name, kind):
    """The same z gives the same numbers as torch in float64 to 2e-6, so the same pixels; the range is [-1, 1]."""
    demo(page, kind)
    generator, _ = trained(name)
    z = torch.randn(4, generator.nz, generator=torch.Generator().manual_seed(5))
    made = page.evaluate("""([name, codes, content]) => {
        const tensors = tensorsFrom(liveWeights[name]);
        if (name === "dcgan") return codes.map((z) => [...generate(generatorLayers(tensors), z)]);
        return codes.map((z) => {
            const noise = Array.from({ length: 8 }, (_, t) => z.slice(content + 10 * t, content + 10 * (t + 1)));
            const layers = generatorLayers(tensors, "frame.");
            return motionCodes(tensors, noise).map((code) => [...generate(layers, [...z.slice(0, content), ...code])]);
        });
    }""", [name, z.tolist(), getattr(generator, "content", 0)])
    expected = generator.double()(z.double()).movedim(-3, -1).float()  # the page has channels last
    ours = torch.tensor(made).view_as(expected)
    assert (ours - expected).abs().max() < 2e-6
    shown = [((x + 1) * 127.5).round() for x in (ours, expected)]
    assert (shown[0] != shown[1]).float().mean() < 1e-3  # only where a number lies on the edge between two


def test_nothing_is_loaded_before_it_is_asked_for(visit):
    page = visit()
    asked = []
    page.on("request", lambda request: request.url.endswith(".js") and asked.append(request.url))
    root = page.locator("#live-image")
    button = root.get_by_role("button")
    assert button.inner_text() == "Run the generator here (0.4 MB)"
    assert page.evaluate("typeof liveWeights") == "undefined" and asked == []
    button.press("Enter")
    root.locator("canvas").first.wait_for()
    assert [url.rpartition("/")[2] for url in asked] == ["dcgan.js"]
    assert root.get_by_role("button", name="Surprise me").evaluate("button => button === document.activeElement")


def test_weights_that_do_not_come_leave_the_picture_and_a_sentence(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/mocogan.js", lambda route: route.abort())
    page.goto(address)
    root = page.locator("#live-video")
    root.get_by_role("button").click()
    page.wait_for_function("document.querySelector('#live-video [role=status]').textContent.includes('did not come')")
    assert root.get_by_role("img").is_visible()
    context.close()


def test_image_sliders_and_surprise_change_the_picture(page):
    root = demo(page, "image")
    seen = [pixels(root)]
    for slider in root.get_by_role("slider").all():
        slider.press("End")
        seen.append(pixels(root))
        assert len(slider.evaluate("slider => slider.labels[0].innerText")) > 5
        assert slider.get_attribute("aria-valuetext")
    root.get_by_role("button", name="Surprise me").press("Enter")
    seen.append(pixels(root))
    assert len(set(seen)) == len(seen) == 9
    assert status(root) == "Person 2."


def test_video_plays_pauses_and_shows_each_frame(page):
    root = demo(page, "video")
    frame = root.get_by_role("slider", name="Frame")
    page.wait_for_function("slider => slider.value === '3'", arg=frame.element_handle())
    root.get_by_role("button", name="Pause").press("Enter")
    stopped = frame.input_value()
    page.wait_for_timeout(400)
    assert frame.input_value() == stopped and root.get_by_role("button", name="Play").is_visible()
    frame.press("Home")
    seen = [pixels(root)]
    for k in range(2, 9):
        frame.press("ArrowRight")
        assert frame.get_attribute("aria-valuetext") == f"{k} of 8"
        seen.append(pixels(root))
    assert len(set(seen)) == 8


@pytest.mark.parametrize("button", ["Surprise me", "Another person, same motion", "Same person, another motion"])
def test_video_codes_can_be_drawn_anew(visit, button):
    root = demo(visit(reduced_motion="reduce"), "video")
    before = pixels(root)
    root.get_by_role("button", name=button).press("Enter")
    assert pixels(root) != before and button in status(root)


def test_video_can_be_longer_than_the_clips_it_learnt_from(visit):
    root = demo(visit(reduced_motion="reduce"), "video")
    root.get_by_label("Frames in the clip").select_option("32")
    frame = root.get_by_role("slider").first
    frame.press("End")
    assert frame.get_attribute("aria-valuetext") == "32 of 32"


def test_video_waits_where_less_motion_is_wanted(visit):
    root = demo(visit(reduced_motion="reduce"), "video")
    before = pixels(root)
    root.page.wait_for_timeout(500)
    assert pixels(root) == before and root.get_by_role("button", name="Play").is_visible()


# The person who is steered


def steer(visit, **options):
    return demo(visit(**options), "steered")


def standing(visit, **options):
    """The demo where nothing moves by itself: a press is a frame."""
    return steer(visit, reduced_motion="reduce", **options)


def does(root) -> str:
    """What the picture says that the person does, and the one button that is pressed says too."""
    words = re.fullmatch("A small person who (.+), drawn .+[.]", root.locator("canvas").get_attribute("aria-label"))[1]
    (pressed,) = root.locator("[aria-pressed=true]").all()
    assert words.split()[-1].removesuffix("s") in pressed.get_attribute("aria-label").lower()
    return words


def waits_for(root, words: str) -> None:
    root.get_by_role("status").filter(has_text=f"The person {words}.").wait_for()


def ground(root) -> torch.Tensor:
    """The lawn before the person's feet, (3, 5, 32)."""
    shown = root.locator("canvas").evaluate("""canvas =>
        [...canvas.getContext("2d").getImageData(0, 0, 32, 32).data]""")
    return torch.tensor(shown, dtype=torch.float32).view(32, 32, 4).permute(2, 0, 1)[:3, -5:]


ROLL = """([z, commands, noise]) => {
    const tensors = tensorsFrom(liveWeights.steered);
    const network = steered(tensors, COMMANDS.length);
    let state = network.begin(z);
    const frames = [network.shown(state)];
    commands.forEach((command, t) => {
        state = network.step(state, command, noise[t]);
        frames.push(network.shown(state));
    });
    return [network.nz, network.noise, frames.map((frame) => [...frame])];
}"""


def test_a_steered_person_goes_on_as_torch_goes_on(visit):
    """64 frames, each from those before: the page computes in float64 what torch does, and what float32 makes of it is near."""
    page, (generator, _) = standing(visit).page, trained("steered")
    rng = torch.Generator().manual_seed(3)
    z, noise = torch.randn(1, generator.first.nz, generator=rng), torch.randn(64, 1, generator.next.noise, generator=rng)
    commands = torch.randint(len(COMMANDS), (16,), generator=rng).repeat_interleave(4)
    nz, per_frame, made = page.evaluate(ROLL, [z[0].tolist(), commands.tolist(), noise[:, 0].tolist()])
    assert (nz, per_frame) == (generator.first.nz, generator.next.noise)
    whole = torch.cat([z, noise.flatten()[None]], 1)
    generator.num_frames = 65
    for numbers, tolerance in ((torch.float32, 1e-3), (torch.float64, 1e-6)):
        expected = generator.to(numbers)(whole.to(numbers), commands[None])[0].movedim(1, -1)  # the page has channels last
        assert (torch.tensor(made, dtype=numbers).view_as(expected) - expected).abs().max() < tolerance


def test_the_page_shows_the_person_that_torch_would(visit):
    page, (generator, _) = standing(visit).page, trained("steered")
    z = torch.randn(5, 8, generator.first.nz, generator=torch.Generator().manual_seed(4))
    chosen = page.evaluate("""people => {
        const tensors = tensorsFrom(liveWeights.steered);
        return people.map((drawn) => drawn.indexOf(steered(tensors, COMMANDS.length).likeliest(drawn, TOWARDS_US)));
    }""", z.tolist())
    assert torch.equal(generator.likeliest(z), z[torch.arange(5), chosen]) and len(set(chosen)) > 1
    assert page.evaluate("COMMANDS[TOWARDS_US].does") == "walks down"


def test_held_keys_steer_and_what_is_let_go_ends(visit):
    root = steer(visit)
    press, let_go = root.page.keyboard.down, root.page.keyboard.up
    assert does(root) == "stands" and root.page.evaluate("document.activeElement.className") == "live-field"
    for key, words in {"ArrowLeft": "walks left", "ArrowRight": "walks right", "ArrowUp": "walks up", "ArrowDown": "walks down",
                       "w": "waves", "W": "waves", " ": "waves"}.items():
        press(key)
        assert does(root) == words and status(root) == f"The person {words}."
        let_go(key)
        assert does(root) == "stands" and status(root) == "The person stands."
    press("ArrowLeft")
    press("ArrowUp")
    assert does(root) == "walks up"
    let_go("ArrowUp")
    assert does(root) == "walks left"
    root.page.evaluate("document.activeElement.blur()")
    assert does(root) == "stands"


def test_a_key_with_another_meaning_is_left_alone(visit):
    root = steer(visit)
    root.page.keyboard.press("Control+ArrowRight")
    root.get_by_label("Frames a second").press("ArrowDown")
    assert root.get_by_label("Frames a second").input_value() == "16" and does(root) == "stands"
    root.get_by_role("button", name="Pause").press(" ")
    assert root.get_by_role("button", name="Play").is_visible() and does(root) == "stands"
    root.page.keyboard.down("ArrowRight")  # no button wants the arrows
    assert does(root) == "walks right"


def test_the_ground_goes_the_other_way(visit):
    """By a pixel a frame, as in the clips that the network learnt from, and not the same way."""
    root = standing(visit)
    for key, way in {"ArrowRight": -1, "ArrowLeft": 1}.items():
        seen = []
        for _ in range(10):
            root.page.keyboard.press(key)
            seen.append(ground(root))
        lawn = torch.stack(seen[2:])
        errors = {shift: (lawn[1:] - lawn[:-1].roll(shift, -1))[..., 1:-1].square().mean() for shift in (-1, 1)}
        assert errors[way] < errors[-way]


def test_the_page_stays_where_it_is_while_the_demo_has_the_focus(visit):
    root = steer(visit)
    page = root.page
    page.set_viewport_size({"width": 1280, "height": 500})
    field = root.get_by_role("application")
    field.focus()
    field.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    for key in ("ArrowUp", "ArrowDown", " "):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        assert page.evaluate("scrollY") == before
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("before => scrollY < before", arg=before)
    assert does(root) == "stands"


def test_everything_is_reached_by_tab_and_shows_it(visit):
    root = standing(visit)
    assert root.get_by_role("application").evaluate("field => getComputedStyle(field).outlineStyle") == "solid"
    names = []
    for _ in range(11):
        root.page.keyboard.press("Tab")
        names.append(root.page.evaluate("""() => {
            const one = document.activeElement;
            if (getComputedStyle(one).outlineStyle !== "solid") return "no outline";
            return one.ariaLabel ?? one.labels?.[0]?.firstChild.textContent ?? one.textContent;
        }"""))
    assert names == ["Stand", "Walk left", "Walk right", "Walk up", "Walk down", "Wave",
                     "Play", "One frame", "Another person", "Same person, other noise", "Frames a second"]
    wave = root.get_by_role("button", name="Wave")
    wave.press("Enter")
    assert does(root) == "waves"
    wave.press(" ")
    assert does(root) == "stands"


def test_fingers_tap_and_hold(browser, visit):
    root = steer(visit, has_touch=True)
    page = root.page
    page.set_viewport_size({"width": 390, "height": 844})
    right, wave = (root.get_by_role("button", name=name) for name in ("Walk right", "Wave"))
    for button in root.locator("[aria-pressed]").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    right.tap()
    assert does(root) == "walks right"  # until the next
    wave.tap()
    assert does(root) == "waves"
    wave.tap()
    assert does(root) == "stands"
    box, session = right.bounding_box(), page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    waits_for(root, "walks right")
    page.wait_for_timeout(400)
    assert does(root) == "walks right"
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    waits_for(root, "stands")


def test_a_mouse_that_leaves_a_held_button_lets_it_go(visit):
    root = steer(visit)
    root.get_by_role("button", name="Walk up").hover()
    root.page.mouse.down()
    assert does(root) == "walks up" and root.page.wait_for_timeout(400) is None
    root.page.mouse.move(5, 5)
    assert does(root) == "stands"


def test_with_less_motion_each_press_is_a_frame(visit):
    root = standing(visit)
    still = pixels(root)
    root.page.wait_for_timeout(400)
    assert pixels(root) == still and root.get_by_role("button", name="Play").is_visible()
    root.page.keyboard.down("ArrowRight")
    moved = pixels(root)
    root.page.keyboard.down("ArrowRight")  # a key that is held repeats itself
    assert pixels(root) == moved != still
    root.page.keyboard.up("ArrowRight")
    assert pixels(root) == moved
    root.get_by_role("button", name="One frame").press("Enter")
    assert pixels(root) != moved


@pytest.mark.parametrize("button", ["Another person", "Same person, other noise"])
def test_person_and_noise_can_be_drawn_anew(visit, button):
    root = standing(visit)
    first, frame = pixels(root), root.get_by_role("button", name="One frame")
    frame.press("Enter")
    second = pixels(root)
    root.get_by_role("button", name=button).press("Enter")
    assert (pixels(root) == first) == (button != "Another person") and button in status(root)
    frame.press("Enter")
    assert pixels(root) not in (first, second)


def test_it_says_how_long_a_frame_takes_and_how_many_come_is_chosen(visit):
    root = standing(visit)
    page, frames = root.page, "() => { const draw = paint; drawn = 0; paint = (...given) => { drawn++; draw(...given); }; }"
    page.evaluate(frames)
    page.clock.install()
    counts = {}
    for pace in ("8", "24"):
        root.get_by_label("Frames a second").select_option(pace)
        root.get_by_role("button", name="Play").press("Enter")
        page.clock.run_for(1000)
        before = page.evaluate("drawn")
        page.clock.run_for(4000)
        counts[pace] = (page.evaluate("drawn") - before) / 4
        root.get_by_role("button", name="Pause").press("Enter")
    assert counts == pytest.approx({"8": 8, "24": 24}, abs=1)
    assert re.fullmatch(r"This device: \d+\.\d ms a frame\.", root.locator(".live-note").inner_text())


def test_nobody_walks_out_of_sight(visit):
    root = steer(visit)
    root.page.set_viewport_size({"width": 1280, "height": 500})
    root.get_by_role("button", name="Walk right").press("Enter")
    root.page.evaluate("scrollTo(0, 0)")
    root.page.wait_for_timeout(400)
    gone = pixels(root)
    root.page.wait_for_timeout(400)
    assert pixels(root) == gone
    root.scroll_into_view_if_needed()
    root.page.wait_for_timeout(400)
    assert pixels(root) != gone


# The GAN on the plane


def mlp(outputs: int) -> nn.Sequential:
    layers = [nn.Linear(2, 5), nn.LeakyReLU(0.2), nn.Linear(5, 4), nn.LeakyReLU(0.2), nn.Linear(4, outputs)]
    return nn.Sequential(*layers).double()


def layers_of(network: nn.Sequential) -> list[dict]:
    return [
        {"inputs": layer.in_features, "outputs": layer.out_features,
         "weight": layer.weight.flatten().tolist(), "bias": layer.bias.tolist()} for layer in network[::2]
    ]


D_LOSSES = {
    "non-saturating": lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    "minimax": lambda real, fake: F.softplus(-real).mean() + F.softplus(fake).mean(),
    "least squares": lambda real, fake: ((real - 1).square().mean() + fake.square().mean()) / 2,
    "hinge": lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(),
}
G_LOSSES = {
    "non-saturating": lambda fake: F.softplus(-fake).mean(),
    "minimax": lambda fake: -F.softplus(fake).mean(),
    "least squares": lambda fake: (fake - 1).square().mean() / 2,
    "hinge": lambda fake: -fake.mean(),
}
PLAY = """([G, D, batches, settings]) => {
    const typed = (object, names) => { for (const name of names) object[name] = Float64Array.from(object[name]); };
    for (const layer of [...G, ...D]) typed(layer, ["weight", "bias"]);
    for (const batch of batches) {
        typed(batch, ["real", "z", "another"]);
        gameStep(G, D, batch, settings);
    }
    return [...G, ...D].flatMap((layer) => [...layer.weight, ...layer.bias]);
}"""


@pytest.mark.parametrize("gamma", [0, 0.7])
@pytest.mark.parametrize("loss", D_LOSSES)
def test_three_rounds_of_the_game_leave_the_weights_that_torch_leaves(page, loss, gamma):
    """All of it in float64: both turns' gradients, R1's, and Adam; equal to 1e-9."""
    torch.manual_seed(7)
    G, D = mlp(2), mlp(1)
    batches = [{name: torch.randn(6, 2, dtype=torch.float64) for name in ("real", "z", "another")} for _ in range(3)]
    settings = {"loss": loss, "lrD": 0.01, "lrG": 0.02, "beta1": 0.5, "gamma": gamma}
    sent = [{name: points.flatten().tolist() for name, points in batch.items()} for batch in batches]
    ours = torch.tensor(page.evaluate(PLAY, [layers_of(G), layers_of(D), sent, settings]), dtype=torch.float64)

    adam_d, adam_g = Adam(D.parameters(), 0.01, (0.5, 0.999)), Adam(G.parameters(), 0.02, (0.5, 0.999))
    for batch in batches:
        adam_d.zero_grad()
        (D_LOSSES[loss](D(batch["real"]), D(G(batch["z"]).detach())) + gamma * r1_penalty(D, batch["real"])).backward()
        adam_d.step()
        adam_g.zero_grad()
        G_LOSSES[loss](D(G(batch["another"]))).backward()
        adam_g.step()
    theirs = torch.cat([parameter.detach().flatten() for network in (G, D) for parameter in network.parameters()])
    assert (ours - theirs).abs().max() < 1e-9


def test_the_plane_plays_pauses_steps_and_starts_again(page):
    root = demo(page, "plane")
    before = pixels(root)
    assert step_of(root) == 0 and page.wait_for_timeout(300) is None and step_of(root) == 0
    root.get_by_role("button", name="Play").press("Enter")
    page.wait_for_function("!document.querySelector('#live-plane [role=status]').textContent.startsWith('Step 0.')")
    assert root.get_by_role("status").get_attribute("aria-live") == "off"  # nobody wants to hear every step
    root.get_by_role("button", name="Pause").press("Enter")
    done = step_of(root)
    assert done > 0 and pixels(root) != before
    assert root.get_by_role("status").get_attribute("aria-live") == "polite"
    root.get_by_role("button", name="One step").press("Enter")
    assert step_of(root) == done + 1
    root.get_by_role("button", name="100 steps").press("Enter")
    assert step_of(root) == done + 101
    root.get_by_role("button", name="Reset").press("Enter")
    assert step_of(root) == 0 and pixels(root) == before
    root.get_by_role("button", name="Another start").press("Enter")
    assert step_of(root) == 0 and pixels(root) != before


def test_every_setting_of_the_plane_can_be_chosen_and_works(page):
    root = demo(page, "plane")
    for chooser in root.get_by_role("combobox").all():
        assert chooser.evaluate("list => list.labels[0].innerText.length") > 3
        for option in chooser.locator("option").all():
            chooser.select_option(option.get_attribute("value"))
            root.get_by_role("button", name="One step").click()
            assert "NaN" not in status(root)
    assert step_of(root) == 4 + 4 + 6 + 6 + 3 + 3


def test_settings_to_try_start_by_themselves_only_where_motion_is_welcome(visit):
    still, moving = (demo(visit(**options), "plane") for options in ({"reduced_motion": "reduce"}, {}))
    for root in (still, moving):
        root.get_by_role("button", name="Round and round").press("Enter")
        assert root.get_by_role("combobox", name="Data").input_value() == "one cluster"
    assert still.get_by_role("button", name="Play").is_visible() and step_of(still) == 0
    assert moving.get_by_role("button", name="Pause").is_visible()


def test_a_page_can_say_with_which_settings_the_plane_begins(browser, tmp_path):
    assert build(tmp_path, ":::{live} plane\n:start: Collapse\nLook.\n:::") == ""
    page = browser.new_page()
    page.goto((tmp_path / "out" / "index.html").as_uri())
    root = demo(page, "plane")
    assert root.get_by_role("combobox", name="Adam").input_value() == "0.9" and step_of(root) == 0
    page.close()


def test_the_plane_follows_the_theme(page):
    root = demo(page, "plane")
    before = pixels(root)
    page.add_style_tag(content="[data-theme=dark] { --course-generator: #ffffff }")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert pixels(root) != before


RUN = """([recipe, steps, every, change, from]) => {
    const game = new PlaneGame({ ...START, ...RECIPES[recipe] }, 1), seen = [];
    for (let k = 1; k <= steps; k++) {
        if (k > from) Object.assign(game.settings, change);
        game.step();
        if (k % every === 0) seen.push([sharesOfCentres(game.settings.data, game.samples()), game.middle()]);
    }
    return seen;
}"""


def run(page, recipe: str, steps: int = 600, since: int = 0, **change) -> tuple[list[int], torch.Tensor]:
    """Clusters reached and the middle of the samples, every 50 steps of the last 400.

    What stands in `change` is set after `since` steps.
    """
    late = page.evaluate(RUN, [recipe, steps, 50, change, since])[-8:]
    reached = [sum(share > 0.2 / len(shares) for share in shares) for shares, _ in late]
    return reached, torch.tensor([middle for _, middle in late])


def test_the_settings_to_try_do_what_their_names_say(page):
    """Adam's momentum makes the generator collapse, or swing about its only cluster; without it, it finds all."""
    reached, _ = run(page, "All eight")
    assert sum(reached) / len(reached) > 6.5
    reached, middle = run(page, "Collapse")
    assert max(reached) <= 3 and middle.std(0).max() > 0.2
    reached, _ = run(page, "Collapse", 1000, since=500, beta1="0")
    assert reached[-1] >= 7  # it heals while it plays
    _, middle = run(page, "Round and round")
    assert middle[:, 0].std() > 0.2
    _, middle = run(page, "Round and round", beta1="0")
    assert middle[:, 0].std() < 0.05 and (middle[-1] - torch.tensor([0.8, 0])).norm() < 0.15
