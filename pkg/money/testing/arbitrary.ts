import fc from 'fast-check';
import { currencyExponent } from '../currency.js';
import { maxMinor, money } from '../money.js';

const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ');

/** All known currencies. */
export const currencies: readonly string[] = letters
  .flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)))
  .filter((code) => currencyExponent(code) !== undefined);

/** Arbitrary valid amounts of all currencies. */
export const anyMoney = fc
  .tuple(fc.constantFrom(...currencies), fc.bigInt({ min: -maxMinor, max: maxMinor }))
  .map(([currency, minor]) => money(currency, minor));
