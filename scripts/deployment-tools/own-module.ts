import { cpSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPackages, findModule, type GoModule } from '../tools/go.js';
import type { Workshop } from '../tools/workshop.js';

const mains = fileURLToPath(new URL('go', import.meta.url));

interface OwnModule {
  /** None for a program that needs nothing but Go. */
  readonly require?: GoModule;
  readonly replaces?: readonly string[];
  /** Programs by their packages; those of `./go` are `tools/…`. */
  readonly packages: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
}

/**
 * Builds programs from a module of our own, which says what replaces what.
 * @throws InstallError
 */
export async function buildFromOwnModule(workshop: Workshop, own: OwnModule): Promise<void> {
  const { require, replaces = [] } = own;
  if (require) await findModule(workshop, `${require.module}@${require.version}`);
  cpSync(mains, workshop.scratch, { recursive: true });
  const lines = [
    'module tools',
    'go 1.26.0',
    'godebug default=go1.26',
    ...(require ? [`require ${require.module} ${require.version}`] : []),
    ...replaces,
  ];
  writeFileSync(`${workshop.scratch}/go.mod`, `${lines.join('\n')}\n`);
  await buildPackages(workshop, workshop.scratch, own);
}
