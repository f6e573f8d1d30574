"""The files of the LPC character sheets: where they come from, whose they are, and whether they arrived whole."""

import hashlib
import urllib.request
from pathlib import Path

from clipkit.files import whole

COMMIT = "3ce4048c5227802bd8f1888e293fd3afdba91c0c"
SOURCE = f"https://raw.githubusercontent.com/YingzhenLi/Sprites/{COMMIT}"
CREDITS = """\
Character sheets of the Liberated Pixel Cup (https://lpc.opengameart.org), drawn by its artists, put together by the
Universal LPC Spritesheet (https://github.com/jrconway3/Universal-LPC-spritesheet), collected as "Sprites"
(https://github.com/YingzhenLi/Sprites) for Li and Mandt 2018, "Disentangled Sequential Autoencoder".
Licence of the art: CC BY-SA 3.0 or GPL 3.0, as you choose. A picture that shows it names these sources and carries
the same licence.
"""
SHA256 = {
    "body/0.png": "27d1ac78db37c42f35a20d15c42705efc5e58d47c236cc01423879d4f797f151",
    "body/1.png": "1535e9228357b884df80f777a0d1dac10ac35e550e4d8d077105ccad014a1460",
    "body/2.png": "7c241033b4897501cb3721b6c3a9ebfa94b13db10a539edbd9bcc3e0c2a4bcb9",
    "body/3.png": "055f5aa33fc112d8444b42fce2cf50608a9fbbf2466c54ceaa46c777589a717a",
    "body/4.png": "57f3b9c510482379aba9a32fc0de7d48e9cbe3dc40f2447283547f773b77ca72",
    "body/5.png": "91e49453aeab5ebbb4fd2b48253812895dcfb4cb1829b84e24425c66de8f04ff",
    "body/6.png": "5b9678d177c0c33bcac9c47ef74460e9401b99cc4be7dffdccc0951e9eba3993",
    "bottomwear/0.png": "4ec356c488e272fde2d2d0d722b12a80217871e41161d43ba784caf243969ec2",
    "bottomwear/1.png": "0674312eaa4ab548f8bb31ef95d7dbd46b41555758cec51bd6c3e9fac9a0f936",
    "bottomwear/2.png": "3b464feb0d20ff34b0ca2a6d1fd00766ad86e2229c3d56ff91379fe27588a893",
    "bottomwear/3.png": "b366e84ea0519d06cf693f51e0ee2f9ac32b3132d27c75dfdc4b6f52fca072de",
    "bottomwear/4.png": "4ed7e7702e4f50b9692c0043be04b7296a108d85ea97230fb50d13c150d98771",
    "bottomwear/5.png": "a5c5e7e33f13fe5ad37b5836a5a74fb0d2094a0877c2146961b88688ff85840d",
    "bottomwear/6.png": "a50af1e08421c4fcc4b6365c75c81c8b328f0d4a7bf93b5a1cb97d45e3b72bde",
    "topwear/0.png": "b917edcf2b3c35d51ef57a6fad67557c5edf048785bea29db09a640d09ac9a90",
    "topwear/1.png": "e33c6cb31ed1268a2c0dc73b665b1c9b9420e22baf3321880222bdb22682368b",
    "topwear/2.png": "2b9b8fefa08894b7ea536cd62b86d494aefe6e54495c5c1d83460827b13b6448",
    "topwear/3.png": "807f5b628592f6747e2814be9435963069dba6c360577168c02f57bbe903433d",
    "topwear/4.png": "b51b17878503877e179ce4f9231713bf2b2d2d666c3ec9ee29f4e784469867a2",
    "topwear/5.png": "1b6049d43f83ebfda857cc405d1936ac9fd80be480fa6ad239024a6a75ad0372",
    "topwear/6.png": "b1da999190e2c41f2e5861d34adc551ad68016ecdcb125ab1371d8af8f7f36cb",
    "hair/0.png": "e4007b0635a239ad16cdebfe90759349ccc73dfc6836c9d19625714be185f43d",
    "hair/1.png": "fa6369f84d3310705df6d8ca8c9d515a7d211e73d2826c50a9cb5bb285652c66",
    "hair/2.png": "1b8046752be7233e829ebe9b11048e171d8d181ee6f68e07042b34f57bb8af0d",
    "hair/3.png": "333783285c5fd94ff434ae5000d2da39aac7940269f173119eaa70d34c8acfa1",
    "hair/4.png": "24df8e9b291cbd444f6c4d12d35b3d43d909cd13f04e6401e0fd8ab10216d5a2",
    "hair/5.png": "4dd471cc20e0b1cf71adcaab01c88598767e5cfe680adacdf560ca91574f17ae",
    "hair/6.png": "383c2297bf411091dfcb9e250c30912b97a13094fb2465987e961d475855d331",
    "hair/7.png": "c4460119998811c4a1bcb8ccbb22f5d9a8ee84abe30880677e70b7106341e67d",
    "hair/8.png": "ea2cd93e23bafd8962caf6f7e7e4c97e73f5742bd9527254abeb6ddfd510d34a",
    "hair/9.png": "94939929ec5fc142671090a1d83b9e6f89784f3022925fad2e1e19c5dced133d",
    "shoes/1.png": "d56a561616a20a12030d2d40a52eeec63e6d048871bf3b6994221869362151f1",
    "CC-BY-SA-3.0-LICENSE": "f199af7e90e29e197a4be87b9a6d585a29ff5eae2b977503e590c4bd8fe6e8b3",
    "GNU-GPL-3.0-LICENSE": "8ceb4b9ee5adedde47b31e975c1d90c73ad27b6b165a1dcd80c7c545eb65b903",
}


def fetched(root: str | Path) -> Path:
    """The folder with all sheets in it; those that are missing are downloaded (0.6 MB), with licences and credits.

    Raises:
        ConnectionError: one could not be downloaded.
        ValueError: one is not the file that it should be; the message names it.
    """
    root = Path(root)
    missing = [name for name in SHA256 if not (root / name).is_file()]
    for name in missing:
        _keep(root / name, _download(name, root))
    if missing:
        _keep(root / "CREDITS.txt", CREDITS.encode())
    for name in SHA256:
        _check((root / name).read_bytes(), name, f"{str(root / name)!r}: delete it, and it is fetched again")
    return root


def _download(name: str, root: Path) -> bytes:
    url = f"{SOURCE}/{name}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            data = answer.read()
    except OSError as error:  # no network, no such address, too slow
        raise ConnectionError(
            f"could not get {url} ({error}): look whether this machine has a network and try again, or put the sheets "
            f"from https://github.com/YingzhenLi/Sprites into {str(root)!r}; without a network use Walkers()"
        ) from error
    _check(data, name, f"what came from {url}: try again, or put the file into {str(root)!r} by hand")
    return data


def _check(data: bytes, name: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        raise ValueError(f"not the published file (SHA-256 {found[:12]}..., expected {SHA256[name][:12]}...), {what}")


def _keep(path: Path, data: bytes) -> None:
    with whole(path) as aside:
        aside.write_bytes(data)
