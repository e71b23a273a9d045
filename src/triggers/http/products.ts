import type { HttpHandler } from '@azure/functions';
import { z } from 'zod';
import { skuSchema } from '../../domain/ids';
import type { Catalogue } from '../../ports';
import { pageSizeSchema, toNextPage } from './page';
import { answering } from './problem';
import { readQuery } from './read-request';

const querySchema = z.strictObject({ after: skuSchema.optional(), limit: pageSizeSchema });

/** `GET /api/products?after=&limit=`: the catalogue in the order of its skus, with prices in minor units. */
export function listProducts(deps: { readonly catalogue: Catalogue; readonly currency: string }): HttpHandler {
  return answering(async (request) => {
    const { after, limit } = readQuery(request, querySchema);
    const found = await deps.catalogue.list({ after, limit: limit + 1 });
    const products = found.slice(0, limit);
    const next = found.length > limit ? toNextPage(request, products.at(-1)?.sku) : undefined;
    return { jsonBody: { currency: deps.currency, products, next } };
  });
}
