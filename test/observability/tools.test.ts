import { expect } from 'chai';
import { obtainTool } from '../../scripts/observability-tools/obtain.js';
import type { Tool } from '../../scripts/observability-tools/tool.js';
import { InstallError } from '../../scripts/tools/workshop.js';

/** A tool that is not installed and cannot be. */
const tool: Tool = {
  name: 'loki',
  version: 'of-a-test',
  programs: { sh: 'SH_BIN' },
  addressVariable: 'SH_URL',
  remedy: 'a network',
  install: () => Promise.reject(new InstallError('there is no network')),
};
const say = (): void => undefined;

describe('A tool', () => {
  it('is the program that a variable names', async () => {
    const found = await obtainTool(tool, { SH_BIN: process.execPath, PATH: '/bin' }, say);
    expect(found).to.deep.equal({ programs: { sh: process.execPath } });
  });

  it('is not to be had where the variable names no program', async () => {
    const found = await obtainTool(tool, { SH_BIN: '/nowhere', PATH: '/bin' }, say);
    expect(found).to.include({ reason: 'SH_BIN=/nowhere is not a program' });
  });

  it('is the program on the PATH', async () => {
    const found = await obtainTool(tool, { PATH: '/nowhere:/bin' }, say);
    expect(found).to.deep.equal({ programs: { sh: '/bin/sh' } });
  });

  it('needs no program where one runs elsewhere', async () => {
    const found = await obtainTool(tool, { SH_URL: 'http://localhost:1' }, say);
    expect(found).to.deep.equal({ programs: {}, address: 'http://localhost:1' });
  });

  it('is not to be had where it cannot be installed, and what would bring it is said', async () => {
    const found = await obtainTool(tool, { PATH: '' }, say);
    expect(found).to.include({ reason: 'there is no network' });
    expect(found).to.have.property('remedy').that.equals('a network; or SH_BIN; or SH_URL of a running one');
  });
});
