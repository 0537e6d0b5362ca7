from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.core.money import CurrencyMismatchError, Money, total

# ISO 4217, list one: every currency whose minor unit is not 2. The funds codes without one (XAU, XDR ...) are
# no money that anybody pays with.
ISO_4217_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
ISO_4217_TWO_DECIMALS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"
)

amounts = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize(("exponent", "currencies"), [*ISO_4217_EXPONENTS.items(), (2, ISO_4217_TWO_DECIMALS)])
def test_exponent_follows_iso_4217(exponent: int, currencies: str) -> None:
    exponents = {currency: Money(1, currency).exponent for currency in currencies.split()}

    assert exponents == dict.fromkeys(currencies.split(), exponent)


@pytest.mark.parametrize("minor", [True, 1.0, 1.5, Decimal(1), "1", None])
def test_money_of_anything_but_int_is_refused(minor: object) -> None:
    with pytest.raises(TypeError, match=f"not {type(minor).__name__}"):
        Money(minor, "EUR")  # type: ignore[arg-type]  # the refusal is the point


@pytest.mark.parametrize("currency", ["", "eur", "EU", "EURO", "EUR\n", "€", "ÄÖÜ", "E R"])
def test_money_in_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="is not an ISO 4217 currency"):
        Money(1, currency)


def test_arithmetic_stays_in_the_currency() -> None:
    assert Money(150, "EUR") + Money(-50, "EUR") == Money(100, "EUR")
    assert Money(150, "EUR") - Money(200, "EUR") == Money(-50, "EUR")
    assert -Money(150, "EUR") == Money(-150, "EUR")


def test_comparison_orders_amounts() -> None:
    one, same, two = Money(1, "EUR"), Money(1, "EUR"), Money(2, "EUR")

    assert (one < two, two < one, one < same) == (True, False, False)
    assert (one <= two, two <= one, one <= same) == (True, False, True)
    assert (one > two, two > one, one >= same) == (False, True, True)


def test_equal_numbers_of_other_currencies_differ() -> None:
    assert Money(1, "EUR") != Money(1, "USD")
    assert len({Money(1, "EUR"), Money(1, "USD"), Money(1, "EUR")}) == 2


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__"])
def test_mixing_currencies_is_refused(operation: str) -> None:
    with pytest.raises(CurrencyMismatchError, match="EUR and USD"):
        getattr(Money(1, "EUR"), operation)(Money(1, "USD"))


@pytest.mark.parametrize(
    ("minor", "basis_points", "expected"),
    [
        (10_000, 250, 250),
        (1, 5_000, 1),  # exactly a half goes up
        (1, 4_999, 0),
        (3, 5_000, 2),
        (-1, 5_000, -1),  # away from zero
        (-3, 5_000, -2),
        (-1, 4_999, 0),
        (1, -5_000, -1),  # a negative share mirrors the positive one
        (-1, -5_000, 1),
        (999, 10_000, 999),
        (999, 0, 0),
        (0, 250, 0),
        (10**18, 3_333, 333_300_000_000_000_000),
    ],
)
def test_share_rounds_half_up_away_from_zero(minor: int, basis_points: int, expected: int) -> None:
    assert Money(minor, "EUR").share(basis_points) == Money(expected, "EUR")


def test_share_by_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="not float"):
        Money(100, "EUR").share(2.5)  # type: ignore[arg-type]  # the refusal is the point


@given(amounts, st.integers(0, 20_000))
def test_share_is_within_half_a_unit(minor: int, basis_points: int) -> None:
    share = Money(minor, "EUR").share(basis_points).minor

    assert abs(share * 10_000 - minor * basis_points) <= 5_000


@pytest.mark.parametrize(
    ("minor", "parts", "expected"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (100, [1, 2, 3], [17, 33, 50]),  # remainders 4/6, 2/6, 0
        (10, [1, 5, 1], [2, 7, 1]),  # 1 3/7, 7 1/7, 1 3/7: the earlier of the equal ones
        (-100, [1, 1, 1], [-34, -33, -33]),
        (1, [0, 1], [0, 1]),
        (0, [3, 4], [0, 0]),
        (7, [5], [7]),
    ],
)
def test_allocate_gives_the_residue_to_the_largest_remainder(minor: int, parts: list[int], expected: list[int]) -> None:
    assert Money(minor, "EUR").allocate(parts) == [Money(part, "EUR") for part in expected]


@pytest.mark.parametrize("parts", [[], [0], [0, 0], [2, -1], [-1]])
def test_allocate_by_impossible_weights_is_refused(parts: list[int]) -> None:
    with pytest.raises(ValueError, match="Weights must be"):
        Money(100, "EUR").allocate(parts)


def test_allocate_by_floats_is_refused() -> None:
    with pytest.raises(TypeError, match="integers"):
        Money(100, "EUR").allocate([0.5, 0.5])  # type: ignore[list-item]  # the refusal is the point


@given(amounts, weights)
def test_allocated_parts_add_up_exactly(minor: int, parts: list[int]) -> None:
    allocated = Money(minor, "EUR").allocate(parts)

    assert total(allocated, "EUR") == Money(minor, "EUR")
    assert len(allocated) == len(parts)


@given(amounts, weights)
def test_allocated_parts_are_within_one_unit_of_fair(minor: int, parts: list[int]) -> None:
    for part, weight in zip(Money(minor, "EUR").allocate(parts), parts, strict=True):
        assert abs(part.minor * sum(parts) - minor * weight) < sum(parts)


@given(amounts, weights)
def test_larger_remainders_are_served_first(minor: int, parts: list[int]) -> None:
    remainders = [abs(minor) * weight % sum(parts) for weight in parts]
    allocated = Money(abs(minor), "EUR").allocate(parts)
    served = [part.minor - abs(minor) * weight // sum(parts) for part, weight in zip(allocated, parts, strict=True)]

    lucky = [(-remainder, index) for index, remainder in enumerate(remainders) if served[index]]
    unlucky = [(-remainder, index) for index, remainder in enumerate(remainders) if not served[index]]
    assert not lucky or not unlucky or max(lucky) < min(unlucky)


@given(amounts, weights)
def test_allocating_a_debt_mirrors_the_credit(minor: int, parts: list[int]) -> None:
    assert Money(-minor, "EUR").allocate(parts) == [-part for part in Money(minor, "EUR").allocate(parts)]


def test_total_of_nothing_is_zero_in_the_currency() -> None:
    assert total([], "JPY") == Money(0, "JPY")
    assert total([Money(1, "JPY"), Money(2, "JPY")], "JPY") == Money(3, "JPY")


def test_total_over_currencies_is_refused() -> None:
    with pytest.raises(CurrencyMismatchError):
        total([Money(1, "JPY"), Money(2, "EUR")], "JPY")
