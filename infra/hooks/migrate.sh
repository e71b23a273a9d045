#!/bin/sh
# Before `azd` deploys code: brings the tables up to date and lets the app's identity use them. Signed in as whoever runs it
# (`az login`), who is the database's administrator; the database has to be reachable from here (infra/README.md).
set -eu
name=$(node -p 'encodeURIComponent(process.argv[1])' "$AZURE_PRINCIPAL_NAME")
DATABASE_URL="postgres://$name@$(azd env get-value databaseHost):5432/$(azd env get-value databaseName)?sslmode=verify-full"
DATABASE_AUTHENTICATION=entra
APP_DATABASE_ROLE=$(azd env get-value appIdentityName)
APP_DATABASE_PRINCIPAL_ID=$(azd env get-value appIdentityPrincipalId)
export DATABASE_URL DATABASE_AUTHENTICATION APP_DATABASE_ROLE APP_DATABASE_PRINCIPAL_ID
npm run --silent migrate
