import { currencyExponent } from './currency.js';

/** An amount of money: whole minor units (cents, yen) of one ISO 4217 currency. Never a float. */
export interface Money {
  readonly currency: string;
  readonly minor: bigint;
}

/** The same as `google.type.Money`: whole units and billionths of one, of equal sign. */
export interface WireMoney {
  currencyCode: string;
  units: bigint;
  nanos: number;
}

/** The largest amount the system handles, in minor units: exact also for readers that use doubles. */
export const maxMinor = BigInt(Number.MAX_SAFE_INTEGER);

/** @throws RangeError for a currency that is not in ISO 4217 */
export function money(currency: string, minor: bigint | number): Money {
  if (currencyExponent(currency) === undefined) throw new RangeError(`unknown currency ${currency}`);
  return { currency, minor: BigInt(minor) };
}

/** @throws RangeError when the currencies differ */
export function add(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new RangeError(`cannot add ${b.currency} to ${a.currency}`);
  return { currency: a.currency, minor: a.minor + b.minor };
}

export function multiply(amount: Money, quantity: bigint): Money {
  return { currency: amount.currency, minor: amount.minor * quantity };
}

/** For people: `12.50 USD`, `980 JPY`. */
export function format({ currency, minor }: Money): string {
  const exponent = currencyExponent(currency) ?? 0;
  const sign = minor < 0n ? '-' : '';
  const all = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  const whole = all.slice(0, all.length - exponent);
  return exponent === 0
    ? `${sign}${whole} ${currency}`
    : `${sign}${whole}.${all.slice(-exponent)} ${currency}`;
}
