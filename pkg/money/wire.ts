import { currencyExponent } from './currency.js';
import { maxMinor, type Money, type WireMoney } from './money.js';

const nanosPerUnit = 1_000_000_000n;

export function toWire({ currency, minor }: Money): WireMoney {
  const scale = 10n ** BigInt(currencyExponent(currency) ?? 0);
  return {
    currencyCode: currency,
    units: minor / scale,
    nanos: Number((minor % scale) * (nanosPerUnit / scale)),
  };
}

/**
 * Parses `google.type.Money`. Returns a description of the violation as a string when the currency is unknown, `units`
 * and `nanos` have different signs, `nanos` is out of range or finer than the minor unit, or the absolute value of the
 * amount exceeds {@link maxMinor}.
 */
export function fromWire({ currencyCode, units, nanos }: WireMoney): Money | string {
  const exponent = currencyExponent(currencyCode);
  if (exponent === undefined) return 'currency_code must be an ISO 4217 code';
  if (Math.abs(nanos) > 999_999_999) return 'nanos must be between -999,999,999 and 999,999,999';
  if ((units > 0n && nanos < 0) || (units < 0n && nanos > 0))
    return 'units and nanos must have the same sign';
  const scale = 10n ** BigInt(exponent);
  const nanosPerMinor = nanosPerUnit / scale;
  if (BigInt(nanos) % nanosPerMinor !== 0n)
    return `must have at most ${exponent} decimal places for ${currencyCode}`;
  const minor = units * scale + BigInt(nanos) / nanosPerMinor;
  if (minor > maxMinor || minor < -maxMinor) return 'is too large';
  return { currency: currencyCode, minor };
}

/**
 * Parses an amount that must be present and greater than zero. For any other amount, returns a description of the
 * violation as a string.
 */
export function positiveFromWire(wire: WireMoney | undefined): Money | string {
  if (wire === undefined) return 'is required';
  const amount = fromWire(wire);
  if (typeof amount !== 'string' && amount.minor <= 0n) return 'must be greater than zero';
  return amount;
}
