import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { toolNames as ofDeployments } from '../deployment-tools/tool.js';
import { toolNames as ofObservability } from '../observability-tools/tool.js';
import { findOrInstall, folderOf, toolsFolder, type Installable } from './install.js';
import { InstallError } from './workshop.js';

const name = 'tool-of-a-test';
const first = toolOf('1', async ({ target, run }) => {
  const program = { program: 'sh', args: ['-c', 'echo first'], limitMs: 10_000, otherwise: 'no shell' };
  writeFileSync(path.join(target, 'program'), await run(program));
});
const broken = toolOf('2', async ({ target, run }) => {
  writeFileSync(path.join(target, 'program'), 'half of it');
  const program = { program: 'sh', args: ['-c', 'echo so sad; exit 3'], limitMs: 10_000 };
  await run({ ...program, otherwise: 'it cannot be built' });
});

function toolOf(version: string, install: Installable['install']): Installable {
  return { name, version, remedy: 'a miracle', install };
}

/** What is in its folder. */
function found(tool: Installable): string | undefined {
  const file = path.join(folderOf(tool), 'program');
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

describe('the installation of a tool', () => {
  afterEach(() => {
    for (const entry of [`${name}-1`, `${name}-2`, `${name}.log`])
      rmSync(path.join(toolsFolder, entry), { recursive: true, force: true });
  });

  const obtain = (tool: Installable) =>
    findOrInstall(
      tool,
      () => found(tool),
      () => undefined,
    );

  it('puts what it brings into a folder of its version, once', async () => {
    expect(await obtain(first)).to.equal('first\n');
    const again = toolOf('1', () => Promise.reject(new Error('it is there')));
    expect(await obtain(again)).to.equal('first\n');
  });

  it('that fails leaves nothing but its log, says why, and keeps the version before it', async () => {
    await obtain(first);
    const outcome = await obtain(broken);
    expect(outcome).to.have.property('remedy', 'a miracle');
    expect(outcome)
      .to.have.property('reason')
      .that.matches(/^it cannot be built \(exit code 3, see .*\n {4}so sad$/s);
    expect(found(first)).to.equal('first\n');
    expect(existsSync(folderOf(broken))).to.equal(false);
    expect(existsSync(path.join(toolsFolder, 'scratch', name))).to.equal(false);
    expect(readFileSync(path.join(toolsFolder, `${name}.log`), 'utf8')).to.include('so sad');
  });

  it('removes other versions', async () => {
    await obtain(first);
    const second = toolOf('2', async ({ target }) => writeFileSync(path.join(target, 'program'), 'second'));
    expect(await obtain(second)).to.equal('second');
    expect(existsSync(folderOf(first))).to.equal(false);
  });

  it('takes no other tool for an older version', () => {
    const names: readonly string[] = [...ofDeployments, ...ofObservability];
    for (const one of names) expect(names.filter((other) => other.startsWith(`${one}-`))).to.deep.equal([]);
  });

  it('that leaves a file out is none', async () => {
    expect(await obtain(toolOf('1', async () => undefined)))
      .to.have.property('reason')
      .that.includes('incomplete');
  });

  it('ends when its command takes too long, with all that it started', async () => {
    // It has not ended as long as one of them can write.
    const program = { program: 'sh', args: ['-c', 'sleep 60 & wait'], limitMs: 500 };
    const slow = toolOf('1', async ({ run }) => void (await run({ ...program, otherwise: 'too slow' })));
    expect(await obtain(slow))
      .to.have.property('reason')
      .that.includes('no end within 0.5 s');
  });

  it('does not hide a mistake of ours', async () => {
    const mistaken = toolOf('1', () => Promise.reject(new TypeError('a bug')));
    const error = await obtain(mistaken).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(TypeError).and.not.instanceOf(InstallError);
  });
});
