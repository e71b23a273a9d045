/* global require */
// As small as an HTTP function gets.
const { app } = require('@azure/functions');

app.http('hello', {
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: async (request) => ({ body: `hello ${request.query.get('name') ?? 'world'}` }),
});
