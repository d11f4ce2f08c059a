import { currencyExponent } from './currency.js';

/** An amount in minor units (cents, yen) of an ISO 4217 currency. */
export interface Money {
  readonly currency: string;
  readonly minor: bigint;
}

/** `google.type.Money`: whole units and nano units (10^-9) of equal sign. */
export interface WireMoney {
  currencyCode: string;
  units: bigint;
  nanos: number;
}

/** Largest amount of the system in minor units. A double represents every integer up to this amount exactly. */
export const maxMinor = BigInt(Number.MAX_SAFE_INTEGER);

/** @throws RangeError for a currency that is not in `currencyCodes`, or a fraction of a minor unit */
export function money(currency: string, minor: bigint | number): Money {
  if (currencyExponent(currency) === undefined) throw new RangeError(`unknown currency ${currency}`);
  return { currency, minor: BigInt(minor) };
}

/** @throws RangeError when the currencies differ */
export function add(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new RangeError(`cannot add ${b.currency} to ${a.currency}`);
  return { currency: a.currency, minor: a.minor + b.minor };
}

export function isEqual(a: Money, b: Money): boolean {
  return a.currency === b.currency && a.minor === b.minor;
}

export function multiply(amount: Money, quantity: bigint): Money {
  return { currency: amount.currency, minor: amount.minor * quantity };
}

/** Formats an amount for display, such as `12.50 USD` or `980 JPY`. */
export function format({ currency, minor }: Money): string {
  const exponent = currencyExponent(currency) ?? 0;
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  return exponent === 0
    ? `${sign}${whole} ${currency}`
    : `${sign}${whole}.${digits.slice(-exponent)} ${currency}`;
}
