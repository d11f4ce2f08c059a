import { textRules, Validation } from '../errors/index.js';
import { positiveFromWire, type Money } from '../money/index.js';
import type {
  BatchGetProductsRequest,
  CreateProductRequest,
  DeleteProductRequest,
  GetProductRequest,
  ListProductChangesRequest,
  ListProductsRequest,
  Product as WireProduct,
  UpdateProductRequest,
} from '../pb/catalog/v1/catalog.js';
import { decodePageToken, encodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import type { ChangeQuery } from './change-store.js';
import {
  limits,
  updatableFields,
  type OperatorNote,
  type ProductDetails,
  type UpdatableField,
} from './domain.js';
import type { ProductCreation, ProductDeletion, ProductUpdate } from './service.js';

/** Part of every page token, so that ListProducts rejects the page tokens of other methods. */
export const pageFilter: readonly string[] = ['ListProducts'];

export function parseGetProduct({ sku }: GetProductRequest): string {
  const check = new Validation();
  check.text('sku', sku, textRules.sku);
  check.throwIfAny();
  return sku;
}

export function parseBatchGetProducts({ skus }: BatchGetProductsRequest): string[] {
  const check = new Validation();
  check.require(skus.length > 0, 'skus', 'must not be empty');
  check.require(skus.length <= limits.batch, 'skus', `must have at most ${limits.batch} SKUs`);
  for (const [index, sku] of skus.slice(0, limits.batch).entries())
    check.text(`skus[${index}]`, sku, textRules.sku);
  check.throwIfAny();
  return [...new Set(skus)];
}

export interface Page {
  /** SKU after which the page starts; '' for the first page. */
  readonly after: string;
  readonly size: number;
}

/** @throws AppError INVALID_PAGE_TOKEN */
export function parseListProducts({ pageSize, pageToken }: ListProductsRequest): Page {
  const check = new Validation();
  checkPageSize(check, pageSize);
  check.throwIfAny();
  const [after = ''] = decodePageToken(pageToken, 1, pageFilter) ?? [];
  if (after !== '' && !textRules.sku.pattern.test(after)) throw invalidToken();
  return { after, size: pageSizeOf(pageSize) };
}

function changeListing(sku: string): readonly string[] {
  return ['ListProductChanges', sku];
}

/** @throws AppError INVALID_PAGE_TOKEN */
export function parseListChanges({ pageSize, pageToken, sku }: ListProductChangesRequest): ChangeQuery {
  const check = new Validation();
  checkPageSize(check, pageSize);
  check.text('sku', sku, { ...textRules.sku, optional: true });
  check.throwIfAny();
  const [after = '0'] = decodePageToken(pageToken, 1, changeListing(sku)) ?? [];
  if (!/^(0|[1-9]\d{0,17})$/.test(after)) throw invalidToken();
  return { sku, after: BigInt(after), size: pageSizeOf(pageSize) };
}

/** Token of the page that starts after the change `id`. */
export function changeTokenAfter(id: bigint, { sku }: Pick<ChangeQuery, 'sku'>): string {
  return encodePageToken([String(id)], changeListing(sku));
}

function checkPageSize(check: Validation, pageSize: number): void {
  const { maximum } = pageSizes;
  check.require(pageSize >= 0 && pageSize <= maximum, 'page_size', `must be from 0 to ${maximum}`);
}

export function parseCreateProduct(request: CreateProductRequest): ProductCreation {
  const check = new Validation();
  const { requestId, product } = request;
  check.text('request_id', requestId, textRules.requestId);
  if (!product) check.fail('product', 'is required');
  const sku = check.text('product.sku', product?.sku ?? '', textRules.sku);
  const details = parseDetails(check, product, updatableFields);
  const note = parseNote(check, request);
  check.throwIfAny();
  return { requestId, sku, details: details as ProductDetails, note };
}

export function parseUpdateProduct(request: UpdateProductRequest): ProductUpdate {
  const check = new Validation();
  const { requestId, product, updateMask } = request;
  check.text('request_id', requestId, textRules.requestId);
  if (!product) check.fail('product', 'is required');
  const sku = check.text('product.sku', product?.sku ?? '', textRules.sku);
  check.require((product?.revision ?? 0n) >= 0n, 'product.revision', 'must not be negative');
  const fields = parseMask(check, updateMask ?? []);
  const changes = parseDetails(check, product, fields);
  const note = parseNote(check, request);
  check.throwIfAny();
  return { requestId, sku, changes, fields, revision: product?.revision ?? 0n, note };
}

export function parseDeleteProduct(request: DeleteProductRequest): ProductDeletion {
  const check = new Validation();
  const { requestId, sku } = request;
  check.text('request_id', requestId, textRules.requestId);
  check.text('sku', sku, textRules.sku);
  const note = parseNote(check, request);
  check.throwIfAny();
  return { requestId, sku, note };
}

function parseNote(
  check: Validation,
  note: { readonly actor?: string | undefined; readonly reason?: string | undefined },
): OperatorNote {
  const { actor = '', reason = '' } = note;
  check.text('actor', actor, { ...textRules.actor, optional: true });
  check.text('reason', reason, { ...textRules.actorReason, optional: true });
  return { actor, reason };
}

function parseMask(check: Validation, paths: readonly string[]): readonly UpdatableField[] {
  const fields = updatableFields.filter((field) => paths.includes(field));
  for (const path of paths) {
    if (!updatableFields.some((field) => field === path))
      check.fail('update_mask', `may contain only ${updatableFields.join(', ')}`);
  }
  return paths.length === 0 ? updatableFields : fields;
}

/** Checks and returns the given fields of a product. */
function parseDetails(
  check: Validation,
  product: WireProduct | undefined,
  fields: readonly UpdatableField[],
): Partial<ProductDetails> {
  const has = (field: UpdatableField): boolean => fields.includes(field);
  const name = product?.name ?? '';
  const description = product?.description ?? '';
  if (has('name')) check.text('product.name', name, { max: limits.name });
  if (has('description'))
    check.text('product.description', description, { max: limits.description, optional: true });
  const price = has('price') ? parsePrice(check, product) : undefined;
  return {
    ...(has('name') ? { name } : {}),
    ...(has('description') ? { description } : {}),
    ...(price ? { price } : {}),
  };
}

function parsePrice(check: Validation, product: WireProduct | undefined): Money | undefined {
  const price = positiveFromWire(product?.price);
  if (typeof price !== 'string') return price;
  check.fail('product.price', price);
  return undefined;
}
