import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';

const descriptorSet = new URL('../pb/descriptor-set.binpb', import.meta.url);

/** The contract of the whole system, as it was compiled. */
export function readDescriptors(): FileDescriptorProto[] {
  return fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)).file;
}

/** Every method of the contract, such as `order.v1.OrderService/GetOrder`. */
export function contractMethods(): ReadonlySet<string> {
  const methods = readDescriptors().flatMap((file) =>
    file.service.flatMap((service) =>
      service.method.map(({ name }) => `${file.package}.${service.name}/${name}`),
    ),
  );
  return new Set(methods);
}
