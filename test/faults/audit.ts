import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { ReplicatedSystem } from '../../bench/replicated-system.js';
import { services } from '../../cmd/dev/services/service-spec.js';
import { loadEnvironment } from '../../pkg/config/index.js';
import type { Order } from '../../pkg/pb/order/v1/order.js';

export interface Check {
  readonly title: string;
  readonly violations: readonly string[];
}

interface AuditReport {
  readonly invariants: readonly {
    readonly number: number;
    readonly title: string;
    readonly violations: readonly unknown[];
  }[];
  /** What the audit could not judge. */
  readonly unstable: readonly unknown[];
  readonly dropped: number;
}

/** Runs `make audit` and returns the result of each invariant. `acknowledged` are the orders in answers to the clients. */
export async function audit(
  system: ReplicatedSystem,
  acknowledged: readonly Order[],
  file: string,
): Promise<Check[]> {
  writeFileSync(file, [...new Set(acknowledged.map(({ orderId }) => orderId))].join('\n'));
  const addresses = services.map(({ domain, prefix }) => [
    `${prefix}_SERVICE_ADDR`,
    system.of(domain)[0]?.address,
  ]);
  const child = spawn(process.execPath, ['dist/cmd/audit/main.js', '--json', '--acknowledged', file], {
    env: { ...loadEnvironment(), ...Object.fromEntries(addresses) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const { invariants, unstable, dropped } = JSON.parse(output) as AuditReport;
  return [
    ...invariants.map(({ number, title, violations }) => ({
      title: `${number}. ${title}`,
      violations: violations.map((violation) => JSON.stringify(violation)),
    })),
    {
      title: 'The audit could judge everything',
      violations: [...unstable, ...Array.from({ length: dropped })].map(String),
    },
  ];
}
