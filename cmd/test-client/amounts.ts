import { format, fromWire, type Money, type WireMoney } from '../../pkg/money/index.js';

/** @throws Error when it is missing or not a valid amount */
export function amountOf(wire: WireMoney | undefined): Money {
  const amount = wire === undefined ? 'an amount is missing' : fromWire(wire);
  if (typeof amount === 'string') throw new Error(amount);
  return amount;
}

/** Minor units; an amount that is not set counts as zero. */
export function minorOf(wire: WireMoney | undefined): bigint {
  return wire === undefined || wire.currencyCode === '' ? 0n : amountOf(wire).minor;
}

/** For people; empty for an amount that is not set. */
export function showAmount(wire: WireMoney | undefined): string {
  return wire === undefined || wire.currencyCode === '' ? '' : format(amountOf(wire));
}
