import type { Bench } from '../bench.js';
import { measureLoad, type Cell } from '../cell.js';
import { startChildServer, type ChildServer } from '../child-server.js';
import type { Arrival } from '../load/load-run.js';
import { frame } from '../load/requests.js';
import { startReferenceServer } from './own-work.js';
import { postgresFloor } from './postgres-floor.js';
import { simulatedGateway } from './simulated-gateway.js';

const frames = [frame(Buffer.alloc(200, 'x'))];

/** Measures what the machine can do without the product: plain gRPC calls and plain inserts. */
export class Reference {
  private constructor(
    private readonly bench: Bench,
    private readonly chainServers: readonly ChildServer[],
    private readonly echoServer: ChildServer,
  ) {}

  static async start(bench: Bench): Promise<Reference> {
    const start = (...leaves: readonly ChildServer[]) =>
      startChildServer(
        './reference/bare.js',
        leaves.map(({ port }) => String(port)),
        bench.scope,
      );
    const [first, second, echo] = await Promise.all([start(), start(), start()]);
    return new Reference(bench, [await start(first, second), first, second], echo);
  }

  /** Client, front, four sequential calls to two leaves. */
  chain(name: string, arrival: () => Arrival): Cell {
    return this.#bare(name, arrival, this.chainServers);
  }

  echo(name: string, arrival: () => Arrival): Cell {
    return this.#bare(name, arrival, [this.echoServer]);
  }

  /** The writes of orders without services, and the simulated gateway alone. */
  async withoutServices(names: { readonly floor: string; readonly gateway: string }): Promise<Cell[]> {
    const { timing, scope } = this.bench;
    const server = await startReferenceServer(scope);
    return [
      await postgresFloor(names.floor, server, timing),
      await simulatedGateway(names.gateway, server, timing),
    ];
  }

  #bare(name: string, arrival: () => Arrival, servers: readonly ChildServer[]): Cell {
    const group = { name, targets: [`127.0.0.1:${servers[0]?.port}`], path: '/bench.Bare/Call', frames };
    const target = { processes: () => new Map(servers.map(({ pid }) => [pid, 'bare'])) };
    return {
      name,
      measure: async () => (await measureLoad(this.bench, target, [{ ...group, arrival: arrival() }])).sample,
    };
  }
}
