import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { LogLine } from '../../support/rpc/test-server.js';

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
/** Exit code of the child process after its last line. */
const finished = 3;

describe('log output', () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  /** Starts a process that logs many lines to `output`. */
  const startFlooding = async (output: 'ignore' | 'pipe' | number): Promise<ChildProcess> => {
    child = spawn(process.execPath, ['--import=tsx', script('flooding-child.ts')], {
      stdio: ['ignore', output, 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return child;
  };
  /** Makes the process log lines, and returns the number of all its dropped lines. */
  const droppedAfter = async (flooding: ChildProcess, lines: number): Promise<number> => {
    flooding.send(lines);
    const [metrics] = (await once(flooding, 'message')) as [string];
    return Number(/^log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1]);
  };
  const onFullDisk = async <T>(use: (disk: number) => Promise<T>): Promise<T> => {
    const disk = openSync('/dev/full', 'w');
    try {
      return await use(disk);
    } finally {
      closeSync(disk);
    }
  };

  const endings = [
    { ending: 'the end of its work', expected: ['one', 'two', 'three', 'exit'] },
    { ending: 'process.exit', expected: ['one', 'two', 'three', 'exit'] },
    { ending: 'an exception', expected: ['one', 'two', 'three', 'exit'] },
    { ending: 'SIGKILL after an error', expected: ['one', 'two', 'three', 'failure'] },
  ];
  for (const { ending, expected } of endings)
    it(`is complete and in sequence when the process ends by ${ending}`, async () => {
      child = spawn(process.execPath, ['--import=tsx', script('ending-child.ts'), ending], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const lines = (await text(child.stdout!)).trimEnd().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as LogLine)['msg'])).to.deep.equal(expected);
    });

  it('on a full disk does not end the process', async function test() {
    if (process.platform !== 'linux') this.skip();
    const logging = await onFullDisk(async (disk) =>
      spawn(process.execPath, ['--import=tsx', script('logger-child.ts')], {
        stdio: ['pipe', disk, 'inherit'],
      }),
    );
    logging.stdin?.on('error', () => undefined).end('line');
    const [code] = (await once(logging, 'exit')) as [number];
    expect(code).to.equal(finished);
  });

  it('on a full disk keeps a megabyte of lines, and drops and counts further lines', async function test() {
    if (process.platform !== 'linux') this.skip();
    const flooding = await onFullDisk(startFlooding);
    expect(await droppedAfter(flooding, 500)).to.equal(0);
    expect(await droppedAfter(flooding, 1000)).to.be.within(500, 750);
    expect(await droppedAfter(flooding, 1000)).to.be.within(1500, 1750);
  });

  it('to a pipe without a reader drops and counts each line', async () => {
    const flooding = await startFlooding('pipe');
    flooding.stdout?.destroy();
    expect(await droppedAfter(flooding, 100)).to.equal(100);
    expect(await droppedAfter(flooding, 50)).to.equal(150);
  });

  it('that can be written counts no dropped line', async () => {
    expect(await droppedAfter(await startFlooding('ignore'), 3000)).to.equal(0);
  });
});
