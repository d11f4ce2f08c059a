import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { ConfigError, loadEnvironment } from '../../../pkg/config/index.js';

describe('CONFIG_FILE', () => {
  let folder: string;
  let file: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'config-file-'));
    file = path.join(folder, 'service.env');
    await writeFile(file, '# comment\nGRPC_PORT=1\nLOG_LEVEL="debug"\nEMPTY=\n');
  });
  after(() => rm(folder, { recursive: true }));

  it('sets variables that the environment does not set', () => {
    expect(loadEnvironment({ CONFIG_FILE: file, GRPC_PORT: '2' })).to.deep.equal({
      CONFIG_FILE: file,
      GRPC_PORT: '2',
      LOG_LEVEL: 'debug',
      EMPTY: '',
    });
  });

  it('is optional', () => {
    expect(loadEnvironment({ GRPC_PORT: '2' })).to.deep.equal({ GRPC_PORT: '2' });
    expect(loadEnvironment({ CONFIG_FILE: '' })).to.deep.equal({ CONFIG_FILE: '' });
  });

  it('must be readable', () => {
    const missing = path.join(folder, 'missing.env');
    expect(() => loadEnvironment({ CONFIG_FILE: missing }))
      .to.throw(ConfigError, 'CONFIG_FILE cannot be read')
      .with.property('message')
      .that.contains(missing);
  });
});
