"""How webhooks are signed, scheduled and configured."""

from __future__ import annotations

import pytest

from svc_registry.domain.webhooks import Delivery, delay_after, headers_of, place_of, webhook_secret, webhook_urls

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example that libraries for Standard Webhooks are tested with."""
    delivery = Delivery(id=1, url="", event_id="msg_p5jXN8AQM9LWM0D4loKWxJek", body=b'{"test": 2432232314}', attempts=1)
    headers = headers_of(delivery, secret=webhook_secret(SECRET), now_s=1614265330.9)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-id"] == delivery.event_id
    assert headers["webhook-timestamp"] == "1614265330"


def test_delays_grow_and_end_within_three_days() -> None:
    delays = [delay_after(attempts) for attempts in range(1, 11)]
    assert delays[-1] is None
    grown = [delay for delay in delays if delay is not None]
    assert grown == sorted(grown)
    assert grown[0] == 5
    assert 2 * 86_400 < sum(grown) < 4 * 86_400


def test_addresses() -> None:
    urls = webhook_urls(" https://hooks.example/a?token=t, http://127.0.0.1:8080/x ,https://hooks.example/a?token=t,")
    assert urls == ("https://hooks.example/a?token=t", "http://127.0.0.1:8080/x")
    assert webhook_urls("") == ()
    assert place_of(urls[0]) == "https://hooks.example"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "hooks.example",
        "https://?only=query",
        "http://u:p@a/",
        "http://a:99999/",
        "http://a:x/",
        "http://[::1/",
        "http://a/ b",
        "http://a/\nb",
        "https://a/" + "x" * 2000,
    ],
)
def test_an_address_that_is_none_is_named_by_its_place_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="UPWELL_WEBHOOKS: entry 2 is not an http:// or https:// address") as refused:
        webhook_urls(f"http://ok/,{url}")
    assert url not in str(refused.value)


def test_there_are_not_too_many() -> None:
    with pytest.raises(ValueError, match="17 addresses; 16 are allowed"):
        webhook_urls(",".join(f"http://a/{number}" for number in range(17)))


@pytest.mark.parametrize("secret", ["", "whsec_", SECRET[6:], "whsec_!!", "whsec_AAAA", "whsec_" + "A" * 88])
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="is not 'whsec_' with 24 to 64 bytes") as refused:
        webhook_secret(secret)
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(refused.value)
