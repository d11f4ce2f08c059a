import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { checkGrpcJsInternals, type GrpcJsObjects } from './grpc-js-internals.js';

const complete: GrpcJsObjects = {
  server: { _setupHandlers: () => undefined },
  interceptingCall: { nextCall: {} },
  innermostCall: { stream: {} },
};

describe('checkGrpcJsInternals', () => {
  it('accepts the installed version', () => {
    checkGrpcJsInternals();
    checkGrpcJsInternals(complete);
  });

  const missing: Readonly<Record<keyof GrpcJsObjects, string>> = {
    server: 'Server._setupHandlers',
    interceptingCall: 'ServerInterceptingCall.nextCall',
    innermostCall: 'BaseServerInterceptingCall.stream',
  };
  for (const [name, field] of Object.entries(missing))
    it(`throws an error that names the version and the missing field ${field}`, () => {
      expect(() => checkGrpcJsInternals({ ...complete, [name]: {} })).to.throw(
        new RegExp(
          String.raw`^@grpc/grpc-js \d+\.\d+\.\d+ has no private field ${field.replace('.', String.raw`\.`)}:`,
        ),
      );
    });
});

describe('private fields of grpc-js', () => {
  const privateAccess =
    /_setupHandlers|\bnextCall['"]|@grpc\/grpc-js\/|Reflect\.\w+\((?:call|inner|innermost|server|client|channel|stream)\b/;

  it('are accessed in only one file of pkg/rpc and pkg/observability', () => {
    const files = ['pkg/rpc', 'pkg/observability']
      .flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
      )
      .filter((file) => /(?<!\.test)\.ts$/.test(file));
    const found = files.filter((file) => privateAccess.test(readFileSync(file, 'utf8')));
    expect(found).to.deep.equal(['pkg/observability/grpc-js-internals.ts']);
  });
});
