import { textRules, Validation } from '../errors/index.js';
import { positiveFromWire, type Money } from '../money/index.js';
import type {
  BatchGetProductsRequest,
  CreateProductRequest,
  DeleteProductRequest,
  GetProductRequest,
  ListProductsRequest,
  Product as WireProduct,
  UpdateProductRequest,
} from '../pb/catalog/v1/catalog.js';
import { decodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import { limits, updatableFields, type ProductDetails, type UpdatableField } from './domain.js';
import type { ProductCreation, ProductUpdate } from './service.js';

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
  const isPageSize = pageSize >= 0 && pageSize <= pageSizes.maximum;
  check.require(isPageSize, 'page_size', `must be from 0 to ${pageSizes.maximum}`);
  check.throwIfAny();
  const [after = ''] = decodePageToken(pageToken, 1, pageFilter) ?? [];
  if (after !== '' && !textRules.sku.pattern.test(after)) throw invalidToken();
  return { after, size: pageSizeOf(pageSize) };
}

export function parseCreateProduct({ requestId, product }: CreateProductRequest): ProductCreation {
  const check = new Validation();
  check.text('request_id', requestId, textRules.requestId);
  if (!product) check.fail('product', 'is required');
  const sku = check.text('product.sku', product?.sku ?? '', textRules.sku);
  const details = parseDetails(check, product, updatableFields);
  check.throwIfAny();
  return { requestId, sku, details: details as ProductDetails };
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
  check.throwIfAny();
  return { requestId, sku, changes, fields, revision: product?.revision ?? 0n };
}

export function parseDeleteProduct({ requestId, sku }: DeleteProductRequest): {
  requestId: string;
  sku: string;
} {
  const check = new Validation();
  check.text('request_id', requestId, textRules.requestId);
  check.text('sku', sku, textRules.sku);
  check.throwIfAny();
  return { requestId, sku };
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
