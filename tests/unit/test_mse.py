"""The cipher of Message Stream Encryption, as the sandbox's peers speak it."""

from sandbox.swarm.mse import Rc4


def test_it_is_rc4_without_its_first_kilobyte() -> None:
    """RFC 6229, 40 bits, offset 1024."""
    assert Rc4(bytes.fromhex("0102030405")).crypted(bytes(16)).hex() == "30abbcc7c20b01609f23ee2d5f6bb7df"
