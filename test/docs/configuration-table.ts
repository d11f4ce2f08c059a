import type { Setting } from '../../pkg/config/index.js';
import { processSettings } from '../support/process-settings.js';

interface Use {
  readonly process: string;
  readonly setting: Setting<unknown>;
}

/** Returns the rows of `docs/configuration.md` that the code defines: one row for each variable, in the order of first use. */
export function configurationTable(): string[] {
  const uses = new Map<string, Use[]>();
  for (const [process, settings] of Object.entries(processSettings)) {
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
