import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';

/** A program that sends SIGTERM to itself and has a resource that fails to close. */
const program = `
  import { run } from './pkg/service/index.js';
  await run('failing', {
    settings: {},
    configure: () => ({}),
    start: async (_config, scope) => {
      scope.defer(() => Promise.reject(new Error('the pool does not close')));
      const stop = setInterval(() => process.kill(process.pid, 'SIGTERM'), 50);
      scope.defer(() => clearInterval(stop));
    },
  });
`;

describe('a shutdown that fails', () => {
  it('logs the failure and ends the process before the shutdown timeout', async () => {
    const args = ['--import=tsx', '--input-type=module', '--eval', program];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_V8_COVERAGE: undefined },
      // The shutdown timeout is one minute. The test fails if the process is still running after half of this time.
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect({ code, signal }, output).to.deep.equal({ code: 1, signal: null });
    expect(output).to.contain('the pool does not close');
  });
});
