import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const child = fileURLToPath(new URL('logger-child.ts', import.meta.url));
/** Exit code of the child process after its last line. */
const finished = 3;

describe('log output', () => {
  it('on a full disk does not end the process', async function test() {
    if (process.platform !== 'linux') this.skip();
    const full = openSync('/dev/full', 'w');
    const logging = spawn(process.execPath, ['--import=tsx', child], { stdio: ['pipe', full, 'inherit'] });
    closeSync(full);
    logging.stdin?.on('error', () => undefined).end('line');
    const [code] = (await once(logging, 'exit')) as [number];
    expect(code).to.equal(finished);
  });
});
