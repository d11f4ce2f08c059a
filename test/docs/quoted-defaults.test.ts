import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Settings } from '../../pkg/config/index.js';
import { inventorySettings } from '../../pkg/inventory/config.js';
import { orderSettings } from '../../pkg/order/config.js';
import { paymentSettings } from '../../pkg/payment/config.js';

const settings: Settings = { ...paymentSettings, ...inventorySettings, ...orderSettings };
const texts = [
  'deployments/docker/observability/prometheus/rules/alerts.yaml',
  ...readdirSync('docs/runbooks').map((page) => `docs/runbooks/${page}`),
];

describe('settings whose defaults alerts and runbooks quote', () => {
  for (const file of texts) {
    const quotes = [
      ...readFileSync(file, 'utf8').matchAll(/([A-Z]+_[A-Z_]+)`? \(([\d.]+)(?: (ms|s|min))?\)/g),
    ];
    for (const [quote, name = '', number = '', unit] of quotes) {
      it(`have that default: ${file}, ${quote}`, () => {
        expect(inMilliseconds(settings[name]?.fallback ?? '')).to.equal(
          inMilliseconds(number + (unit ?? '')),
        );
      });
    }
  }
});

/** Of a duration; a number without unit stays as it is. */
function inMilliseconds(text: string): number {
  const [, number, unit = ''] = /^([\d.]+)(\w*)$/.exec(text) ?? [];
  return Number(number) * ({ s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[unit] ?? 1);
}
