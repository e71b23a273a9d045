/** What `GET /` shows when no function answers it. */
export const homePage = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Functions host</title>
    <style>body { font: 16px/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem }</style>
  </head>
  <body>
    <h1>The function app is running</h1>
    <p>Its functions are listed at <a href="/admin/functions">/admin/functions</a>,
    and the state of the host at <a href="/admin/host/status">/admin/host/status</a>.</p>
  </body>
</html>
`;
