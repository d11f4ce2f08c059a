import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { findOrInstall, folderOf, toolsFolder, type Source, type Tool } from './install.js';
import { InstallError } from './run-command.js';
import { toolsOf } from './table.js';

const name = 'tool-of-a-test';

function aTool(version: string, install: Source['install']): Tool {
  return { name, version, source: { files: ['program'], remedy: 'a network', install } };
}

const writing = (text: string): Source['install'] =>
  async function install({ target }) {
    writeFileSync(path.join(target, 'program'), text);
  };
const running =
  (script: string, limitMs = 10_000): Source['install'] =>
  async ({ run }) =>
    void (await run({ program: 'sh', args: ['-c', script], limitMs, otherwise: 'the build failed' }));

/** Returns the content of the installed program, or the reason why the tool is unavailable. */
async function result(tool: Tool, env = {}): Promise<string> {
  const found = await findOrInstall(tool, () => undefined, env);
  return 'files' in found ? readFileSync(found.files['program'] ?? '', 'utf8') : found.reason;
}

describe('findOrInstall', () => {
  afterEach(() => {
    for (const entry of [`${name}-1`, `${name}-2`, `${name}.log`])
      rmSync(path.join(toolsFolder, entry), { recursive: true, force: true });
  });

  it('installs a version once', async () => {
    expect(await result(aTool('1', writing('first')))).to.equal('first');
    expect(await result(aTool('1', () => Promise.reject(new Error('installed twice'))))).to.equal('first');
  });

  it('removes the other versions of the tool', async () => {
    await result(aTool('1', writing('first')));
    expect(await result(aTool('2', writing('second')))).to.equal('second');
    expect(existsSync(folderOf({ name, version: '1' }))).to.equal(false);
  });

  it('returns the reason of a failure, and keeps the log and the installed version', async () => {
    await result(aTool('1', writing('first')));
    const reason = await result(aTool('2', running('echo no disk; exit 3')));
    expect(reason).to.match(/^the build failed \(exit code 3, see .*\n {4}no disk$/s);
    expect(await result(aTool('1', writing('again')))).to.equal('first');
    expect(existsSync(path.join(toolsFolder, 'scratch', name))).to.equal(false);
    expect(readFileSync(path.join(toolsFolder, `${name}.log`), 'utf8')).to.include('no disk');
  });

  it('reports an installation that leaves out a file as incomplete', async () => {
    expect(await result(aTool('1', async () => undefined))).to.include('incomplete');
  });

  it('ends all processes of a command at the time limit', async () => {
    // If only the shell ended, `sleep` would keep the output open, and the result would come after 60 s.
    expect(await result(aTool('1', running('sleep 60 & wait', 500)))).to.include('did not end within 0.5 s');
  });

  it('rethrows a programming error', async () => {
    const error = await result(aTool('1', () => Promise.reject(new TypeError('a bug')))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(TypeError).and.not.instanceOf(InstallError);
  });

  it('uses the program that a variable names, without an installation', async () => {
    const tool = aTool('1', () => Promise.reject(new Error('installed')));
    const found = await findOrInstall(tool, () => undefined, { PROGRAM_BIN: process.execPath });
    expect(found).to.deep.equal({ files: { program: process.execPath } });
    expect(await result(tool, { PROGRAM_BIN: '/nowhere' })).to.equal('PROGRAM_BIN=/nowhere is not a program');
  });
});

describe('the table of tools', () => {
  it('selects tools by their names and by the names of suites, and rejects unknown names', () => {
    expect(toolsOf(['psql', 'kustomize']).map((tool) => tool.name)).to.deep.equal(['kustomize', 'psql']);
    expect(toolsOf(['observability'])).to.have.length(4);
    expect(() => toolsOf(['hammer', 'toString'])).to.throw('unknown tools: hammer, toString; known are obs');
  });

  it('has no tool whose installation would remove the folder of another tool', () => {
    const names = toolsOf([]).map((tool) => tool.name);
    for (const one of names) expect(names.filter((other) => other.startsWith(`${one}-`))).to.deep.equal([]);
  });
});
