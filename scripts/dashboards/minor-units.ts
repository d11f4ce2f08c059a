import { currencyCodes, currencyExponent } from '../../pkg/money/index.js';

/** Currencies that are not counted in hundredths. */
const unusual = [0, 3, 4].map((exponent) => ({
  exponent,
  codes: currencyCodes.filter((code) => currencyExponent(code) === exponent),
}));

/**
 * An expression over amounts in minor units, turned into whole units of each currency. PromQL cannot
 * look an exponent up by a label: `select` is asked once for the currencies of each.
 */
export function inUnits(select: (currencies: string) => string): string {
  const parts = unusual.map(
    ({ exponent, codes }) => `${select(`currency=~"${codes.join('|')}"`)} / ${10 ** exponent}`,
  );
  const others = unusual.flatMap(({ codes }) => codes).join('|');
  return [`${select(`currency!~"${others}"`)} / 100`, ...parts].join(' or ');
}
