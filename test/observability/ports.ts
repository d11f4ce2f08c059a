import { assignPorts } from '../../cmd/dev/ports.js';

/** Free ports of this machine, by name. */
export async function freePorts<N extends string>(...names: readonly N[]): Promise<Record<N, number>> {
  const wanted = names.map((owner) => ({ owner, setting: owner, port: 0 }));
  const assigned = await assignPorts(wanted);
  return Object.fromEntries(assigned.map(({ owner, port }) => [owner, port])) as Record<N, number>;
}
