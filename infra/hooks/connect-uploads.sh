#!/bin/sh
# After `azd` has deployed code: lets Event Grid tell the app of uploaded files.
set -eu
az deployment group create \
  --resource-group "$(azd env get-value resourceGroupName)" \
  --template-file infra/blob-events.bicep \
  --parameters functionAppName="$(azd env get-value functionAppName)" \
  eventTopicName="$(azd env get-value eventTopicName)" \
  storageAccountName="$(azd env get-value storageAccountName)" \
  --output none
