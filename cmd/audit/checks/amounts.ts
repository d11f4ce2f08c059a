import { format, fromWire, type Money, type WireMoney } from '../../../pkg/money/index.js';

/** Returns the minor units of an amount, or 0 when the amount is not set. */
export function minorUnits(wire: WireMoney | undefined): bigint {
  return isSet(wire) ? parseAmount(wire).minor : 0n;
}

/** Formats an amount, such as `13.50 USD`. The text is empty when the amount is not set. */
export function formatAmount(wire: WireMoney | undefined): string {
  return isSet(wire) ? format(parseAmount(wire)) : '';
}

function isSet(wire: WireMoney | undefined): wire is WireMoney {
  return wire !== undefined && wire.currencyCode !== '';
}

/** @throws Error for an invalid amount */
function parseAmount(wire: WireMoney): Money {
  const amount = fromWire(wire);
  if (typeof amount === 'string') throw new Error(amount);
  return amount;
}
