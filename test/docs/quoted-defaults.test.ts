import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { inventoryService } from '../../cmd/inventory-service/app.js';
import { orderService } from '../../cmd/order-service/app.js';
import { paymentService } from '../../cmd/payment-service/app.js';
import type { Settings } from '../../pkg/config/index.js';

const settings: Settings = {
  ...paymentService.settings,
  ...inventoryService.settings,
  ...orderService.settings,
};
const texts = [
  'deployments/docker/observability/prometheus/rules/alerts.yaml',
  ...readdirSync('docs/runbooks').map((page) => `docs/runbooks/${page}`),
];

describe('default values in alerts and runbooks', () => {
  for (const file of texts) {
    const quotes = [
      ...readFileSync(file, 'utf8').matchAll(/([A-Z]+_[A-Z_]+)`? \(([\d.]+)(?: (ms|s|min))?\)/g),
    ];
    for (const [quote, name = '', number = '', unit] of quotes) {
      it(`match the setting: ${quote} in ${file}`, () => {
        expect(inMilliseconds(settings[name]?.fallback ?? '')).to.equal(
          inMilliseconds(number + (unit ?? '')),
        );
      });
    }
  }
});

/** Converts a duration to milliseconds. Returns a number without a unit unchanged. */
function inMilliseconds(text: string): number {
  const [, number, unit = ''] = /^([\d.]+)(\w*)$/.exec(text) ?? [];
  return Number(number) * ({ s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[unit] ?? 1);
}
