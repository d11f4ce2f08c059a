import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

const digest = `sha256:${'d'.repeat(64)}`;
const oneArchitecture = 'application/vnd.oci.image.manifest.v1+json';
const index = 'application/vnd.oci.image.index.v1+json';

/** A registry with library/postgres:18.6 and library/single:1.0. It requires a token, as public registries do. */
function registry(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, origin, searchParams } = new URL(request.url ?? '', `http://${request.headers.host}`);
  if (pathname === '/token') {
    response.end(JSON.stringify({ token: searchParams.get('scope') }));
    return;
  }
  const [, repository = '', tag = ''] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(pathname) ?? [];
  const scope = `repository:${repository}:pull`;
  if (request.headers.authorization !== `Bearer ${scope}`) {
    const challenge = `Bearer realm="${origin}/token",service="fake",scope="${scope}"`;
    response.writeHead(401, { 'www-authenticate': challenge }).end();
    return;
  }
  const types: Record<string, string> = {
    'library/postgres:18.6': index,
    'library/single:1.0': oneArchitecture,
  };
  const type = types[`${repository}:${tag}`];
  if (type === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': type, 'docker-content-digest': digest }).end();
}

describe('make pin', () => {
  const server = createServer(registry);
  let folder: string;
  let commit: string;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'pin-'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    commit = createAction(path.join(folder, 'git/owner/action'));
    write(
      '.github/workflows/ci.yml',
      'uses: owner/action@v1.0.0\nuses: owner/action@v9.9.9\nuses: owner/none@v1.0.0\n',
    );
    write('deployments/compose.yaml', 'image: postgres:18.6\nimage: single:1.0\nimage: missing:1.0\n');
    write('deployments/Dockerfile', 'FROM postgres:18.6 AS database\n');
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, 'work', file)), { recursive: true });
    writeFileSync(path.join(folder, 'work', file), text);
  };
  const read = (file: string): string => readFileSync(path.join(folder, 'work', file), 'utf8');

  async function makePin(): Promise<{ code: number | null; output: string }> {
    const { port } = server.address() as AddressInfo;
    const mirrors = ['--git', `file://${folder}/git`, '--registry', `http://127.0.0.1:${port}`];
    const args = ['--import', 'tsx', 'scripts/pin/main.ts', ...mirrors, '--root', path.join(folder, 'work')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  it('pins every reference that it can resolve, and reports the others', async () => {
    const { code, output } = await makePin();
    expect(read('.github/workflows/ci.yml')).to.equal(
      `uses: owner/action@${commit} # v1.0.0\nuses: owner/action@v9.9.9\nuses: owner/none@v1.0.0\n`,
    );
    expect(read('deployments/compose.yaml')).to.equal(
      `image: postgres:18.6@${digest}\nimage: single:1.0\nimage: missing:1.0\n`,
    );
    expect(read('deployments/Dockerfile')).to.equal(`FROM postgres:18.6@${digest} AS database\n`);
    expect(output).to.include('3 references pinned');
    expect(output).to.include('owner/action@v9.9.9: it has no tag v9.9.9');
    expect(output).to.match(/owner\/none@v1\.0\.0: .+/);
    expect(output).to.include(`single:1.0: not an index of several architectures: ${oneArchitecture}`);
    expect(output).to.include('missing:1.0: the registry answers 404');
    expect(code).to.equal(1);
  });

  it('changes nothing on a second run', async () => {
    const before = read('deployments/compose.yaml');
    expect((await makePin()).output).to.include('nothing changed');
    expect(read('deployments/compose.yaml')).to.equal(before);
  });

  it('succeeds when nothing is left to do', async () => {
    write('.github/workflows/ci.yml', `uses: owner/action@${commit} # v1.0.0\n`);
    write('deployments/compose.yaml', `image: postgres:18.6@${digest}\n`);
    expect(await makePin()).to.deep.equal({ code: 0, output: 'nothing changed\n' });
  });

  it('reports a moved tag', async () => {
    const moved = createAction(path.join(folder, 'git/owner/action'));
    const { code, output } = await makePin();
    expect(output)
      .to.include(`LOOK AT THIS`)
      .and.to.include(`owner/action v1.0.0 is now ${moved}, but ${commit} is pinned`);
    expect(code).to.equal(1);
  });
});

/** Creates a commit, moves the annotated tag v1.0.0 to the commit, and returns the commit. */
function createAction(place: string): string {
  const git = (...args: string[]): string => {
    const identity = [
      '-c',
      'user.name=Test',
      '-c',
      'user.email=test@example.com',
      '-c',
      'commit.gpgsign=false',
    ];
    return execFileSync('git', ['-C', place, ...identity, ...args], { encoding: 'utf8' }).trim();
  };
  mkdirSync(place, { recursive: true });
  git('init', '--quiet');
  git('commit', '--quiet', '--allow-empty', '--message', 'A version');
  git('tag', '--force', '--annotate', '--message', 'v1.0.0', 'v1.0.0');
  return git('rev-parse', 'HEAD');
}
