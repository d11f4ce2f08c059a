const twoDigits =
  'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF ' +
  'CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL ' +
  'HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT ' +
  'MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB ' +
  'SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH ' +
  'USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG';

/**
 * Digits after the decimal point per currency (ISO 4217, table A.1, "Minor unit"). `Intl` is not
 * used, because its data (CLDR) differs from ISO 4217 for several currencies.
 */
const exponents = new Map([
  ...digits(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
  ...digits(2, twoDigits),
  ...digits(3, 'BHD IQD JOD KWD LYD OMR TND'),
  ...digits(4, 'CLF UYW'),
]);

/** Supported currencies: ISO 4217 without metals, test codes and most fund codes. */
export const currencyCodes: readonly string[] = [...exponents.keys()];

function digits(exponent: number, codes: string): (readonly [string, number])[] {
  return codes.split(' ').map((code) => [code, exponent]);
}

/** Returns the number of minor-unit digits of an ISO 4217 currency; undefined for an unknown code. */
export function currencyExponent(code: string): number | undefined {
  return exponents.get(code);
}
