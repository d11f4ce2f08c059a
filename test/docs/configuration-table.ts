import { catalogSettings } from '../../pkg/catalog/config.js';
import type { Setting, Settings } from '../../pkg/config/index.js';
import { inventorySettings } from '../../pkg/inventory/config.js';
import { orderSettings } from '../../pkg/order/config.js';
import { paymentSettings } from '../../pkg/payment/config.js';
import { devSettings } from '../../cmd/dev/config.js';
import { seedSettings } from '../../cmd/seed/config.js';
import { testClientSettings } from '../../cmd/test-client/config.js';

const processes: Readonly<Record<string, Settings>> = {
  order: orderSettings,
  inventory: inventorySettings,
  payment: paymentSettings,
  catalog: catalogSettings,
  dev: devSettings,
  seed: seedSettings,
  'test-client': testClientSettings,
};

interface Use {
  readonly process: string;
  readonly setting: Setting<unknown>;
}

/** The table of `docs/configuration.md` as the code has it: one row a variable, in the order of first use. */
export function configurationTable(): string[] {
  const uses = new Map<string, Use[]>();
  for (const [process, settings] of Object.entries(processes)) {
    for (const [name, setting] of Object.entries(settings)) {
      uses.set(name, [...(uses.get(name) ?? []), { process, setting }]);
    }
  }
  return [...uses].map(([name, readers]) => row(name, readers));
}

function row(name: string, readers: readonly Use[]): string {
  const [first] = readers;
  const defaults = [...new Set(readers.map(({ setting }) => show(setting)))];
  const shown =
    defaults.length === 1
      ? defaults[0]
      : readers.map((use) => `${show(use.setting)} (${use.process})`).join(', ');
  const by = readers.map(({ process }) => process).join(', ');
  return `| \`${name}\` | ${first?.setting.type ?? ''} | ${shown ?? ''} | ${by} | ${first?.setting.help ?? ''} |`;
}

function show({ fallback }: Setting<unknown>): string {
  if (fallback === undefined) return '**required**';
  return fallback === '' ? '' : `\`${fallback}\``;
}
