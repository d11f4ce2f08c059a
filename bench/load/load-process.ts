import { pause } from '../../pkg/runtime/index.js';
import { Caller } from './caller.js';
import { Connections } from './connections.js';
import type { LoadEvent, LoadResult, LoadRun } from './load-run.js';

/*
 * Child process that generates load over plain HTTP/2 with encoded messages, so that the load costs little CPU time and has
 * its own event loop. The parent process sends a LoadRun, and the child answers with LoadEvents.
 */

async function runLoad({ groups, warmUpMs, measuredMs }: LoadRun): Promise<LoadResult> {
  const connections = await Promise.all(groups.map(({ targets }) => Connections.open(targets)));
  try {
    const start = performance.now() + warmUpMs;
    const window = { start, end: start + measuredMs };
    const callers = groups.map(
      (group, index) => new Caller(group, connections[index] as Connections, window),
    );
    const allEnded = Promise.all(callers.map((caller) => caller.run()));
    await pause(warmUpMs);
    notify({ kind: 'measuring' });
    const cpu = process.cpuUsage();
    const measuredFrom = performance.now();
    await Promise.race([pause(measuredMs), allEnded]);
    const endedAt = performance.now();
    const { user, system } = process.cpuUsage(cpu);
    notify({ kind: 'measured' });
    await allEnded;
    const results = callers.map((caller) => caller.result(Math.min(endedAt, window.end)));
    return {
      groups: Object.fromEntries(
        groups.map(({ name }, index) => [name, results[index]]),
      ) as LoadResult['groups'],
      cores: (user + system) / 1000 / (endedAt - measuredFrom),
    };
  } finally {
    for (const connection of connections) connection.close();
  }
}

const notify = (event: LoadEvent): void => void process.send?.(event);

process.on('message', (run: LoadRun) => {
  runLoad(run).then(
    (result) => notify({ kind: 'done', result }),
    (error: unknown) => notify({ kind: 'failed', message: String(error) }),
  );
});
process.once('disconnect', () => process.exit());
