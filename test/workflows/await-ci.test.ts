import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { loadEnvironment } from '../../pkg/config/index.js';

const script = path.resolve('scripts/await-ci.mjs');
const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];

interface Run {
  readonly event?: string;
  readonly status?: string;
  readonly conclusion?: string | null;
  readonly head_sha?: string;
  readonly run_number?: number;
}

describe('await-ci', () => {
  let folder: string;
  let server: Server;
  let commit: string;
  /** Workflow runs in the successive responses of the fake GitHub. The last response repeats. Undefined means status 500. */
  let answers: (readonly Run[] | undefined)[];
  let requests: string[];

  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder, ...author, ...args], { encoding: 'utf8' }).trim();

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'await-ci-'));
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'one');
    commit = git('rev-parse', 'HEAD');
    git('update-ref', 'refs/remotes/origin/main', commit);
    requests = [];
    server = createServer((request, response) => {
      requests.push(`${request.headers.authorization} ${request.url}`);
      const runs = answers.length > 1 ? answers.shift() : answers[0];
      response.statusCode = runs ? 200 : 500;
      response.end(JSON.stringify({ workflow_runs: runs?.map((run) => Object.assign(push(), run)) }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  function push(): Run {
    return { event: 'push', status: 'completed', conclusion: 'success', head_sha: commit, run_number: 1 };
  }

  async function awaitCi(waitSeconds = 5): Promise<{ code: number | null; text: string }> {
    const { port } = server.address() as AddressInfo;
    const child = spawn(process.execPath, [script], {
      cwd: folder,
      env: {
        PATH: loadEnvironment()['PATH'],
        GITHUB_API_URL: `http://127.0.0.1:${port}`,
        GITHUB_REPOSITORY: 'owner/name',
        GITHUB_TOKEN: 'token',
        WAIT_SECONDS: String(waitSeconds),
        POLL_SECONDS: '0.01',
      },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, text };
  }

  it('accepts a commit of main whose CI is successful', async () => {
    answers = [[{}]];
    expect((await awaitCi()).code).to.equal(0);
    const runs = '/repos/owner/name/actions/workflows/ci.yml/runs';
    expect(requests).to.deep.equal([`Bearer token ${runs}?head_sha=${commit}&per_page=100`]);
  });

  it('accepts an older commit of main whose CI is successful', async () => {
    git('commit', '--quiet', '--allow-empty', '-m', 'two');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    git('checkout', '--quiet', commit);
    answers = [[{}]];
    expect((await awaitCi()).code).to.equal(0);
  });

  it('rejects a commit that is not on main, even if its CI is successful', async () => {
    git('commit', '--quiet', '--allow-empty', '-m', 'aside');
    commit = git('rev-parse', 'HEAD');
    answers = [[{}]];
    const { code, text } = await awaitCi();
    expect([code, text]).to.deep.equal([1, `${commit} is not on main\n`]);
  });

  it('polls until CI has ended, even after an error response of GitHub', async () => {
    answers = [
      [],
      [{ status: 'queued', conclusion: null }],
      undefined,
      [{ status: 'in_progress', conclusion: null }],
      [{}],
    ];
    const { code, text } = await awaitCi();
    expect(code, text).to.equal(0);
    expect(requests).to.have.length(5);
  });

  for (const conclusion of ['failure', 'cancelled', 'timed_out'])
    it(`rejects a commit whose CI ended with ${conclusion}`, async () => {
      answers = [[{ conclusion }]];
      const { code, text } = await awaitCi();
      expect(code).to.equal(1);
      expect(text).to.include(`ended with ${conclusion}`);
    });

  it('ignores runs of pull requests and of other commits', async () => {
    answers = [[{ event: 'pull_request' }, { head_sha: 'f'.repeat(40) }]];
    const { code, text } = await awaitCi(0);
    expect(code).to.equal(1);
    expect(text).to.include('CI never ran');
  });

  it('uses the newest run of a commit', async () => {
    answers = [[{ conclusion: 'failure' }, { run_number: 2, event: 'workflow_dispatch' }]];
    expect((await awaitCi()).code).to.equal(0);
    answers = [[{}, { run_number: 2, conclusion: 'failure' }]];
    expect((await awaitCi()).code).to.equal(1);
  });

  it('rejects a commit whose CI has not ended after WAIT_SECONDS', async () => {
    answers = [[{ status: 'in_progress', conclusion: null }]];
    const { code, text } = await awaitCi(0.1);
    expect(code).to.equal(1);
    expect(text).to.include('waited 0.1 s: CI is in_progress');
  });
});
