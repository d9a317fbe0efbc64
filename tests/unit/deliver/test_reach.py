"""Which addresses may be dialled for a channel that somebody set."""

from __future__ import annotations

import pytest

from gateway.channels import reach_of
from gateway.config.settings import BindingSettings, Settings
from gateway.errors import ConfigError
from gateway.reach import Reach, networks_of

_WAN = Reach(allowed=networks_of(["10.0.0.0/8", "fd12::/16"]))


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888", "10.1.2.3", "fd12::5", "::ffff:10.1.2.3"])
def test_public_and_allowed_internal_addresses_are_dialled(host: str) -> None:
    """The offices of a province sit on a private network that the operator names."""
    assert _WAN.refusal(host, 443) == ""


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.1", "172.16.0.9", "100.64.0.1", "fd99::1", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1",
        "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::c0a8:101", "0.0.0.0", "::", "localhost", "name.example",
        "::7f00:1", "::192.168.1.1", "64:ff9b:1::c0a8:101", "fec0::1",
    ],
)  # fmt: skip
def test_other_internal_addresses_are_refused(host: str) -> None:
    """However they are wrapped, and a name is no address."""
    assert _WAN.refusal(host, 443) != ""


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1",
        "0.0.0.0", "100.100.100.200", "fd00:ec2::254", "168.63.129.16", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "reach", [Reach(development=True), Reach(allowed=networks_of(["0.0.0.0/0", "::/0", "169.254.0.0/16"]))]
)
def test_some_addresses_are_never_dialled(host: str, reach: Reach) -> None:
    """No setting opens the way to metadata services, multicast or the unspecified address."""
    assert "never" in reach.refusal(host, 443)


def test_loopback_must_be_allowed_by_name_or_by_the_development_profile() -> None:
    """A network that happens to hold it does not."""
    assert "this machine" in Reach(allowed=networks_of(["0.0.0.0/0"])).refusal("127.0.0.1", 443)
    assert Reach(allowed=networks_of(["127.0.0.1/32"])).refusal("127.0.0.1", 443) == ""
    assert "this machine" in Reach(allowed=networks_of(["127.0.0.1/32"])).refusal("127.0.0.2", 443)
    assert Reach(development=True).refusal("::1", 443) == ""


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", "::", "", "localhost"])
def test_our_own_listeners_are_never_dialled(bound: str) -> None:
    """A channel that leads back here would let its setter speak to us from the inside."""
    reach = Reach(development=True, own=frozenset({(bound, 9443)}))
    assert "gateway itself" in reach.refusal("127.0.0.1", 9443)
    assert reach.refusal("127.0.0.1", 8443) == ""
    assert reach.refusal("192.0.2.7", 9443) == ""


def test_listeners_of_other_protocols_are_our_own_too() -> None:
    """Where nobody is asked for a secret of his own, the address is what counts, and it would be ours."""
    bindings = BindingSettings(port=8444, plain_host="lo", plain_port=8080)
    reach = reach_of(Settings(profile="development", bindings=bindings))
    assert "gateway itself" in reach.refusal("127.0.0.1", 8444)
    assert "gateway itself" in reach.refusal("127.0.0.1", 8080)


def test_a_wrong_network_is_told() -> None:
    """With host bits it is a mistake, not a wish."""
    with pytest.raises(ConfigError, match="not a network"):
        networks_of(["10.0.0.1/8"])
