// One address in front of two apps, which get requests by weight. Nothing is kept here: every answer comes from an app, and whoever
// has a key of it. An origin without a share is off, since weights begin at 1.

param name string

@description('The beginning of the address; Azure adds what makes it unlike all others.')
param endpointName string

param tags object

@description('Each with name, hostName and weight (0 to 100). At least one has a weight.')
param origins array

resource profile 'Microsoft.Cdn/profiles@2024-09-01' = {
  name: name
  // Of no region.
  location: 'global'
  tags: tags
  sku: { name: 'Standard_AzureFrontDoor' }
  properties: {
    // An order that starts a cold app takes some seconds.
    originResponseTimeoutSeconds: 60
  }
}

resource endpoint 'Microsoft.Cdn/profiles/afdEndpoints@2024-09-01' = {
  parent: profile
  name: endpointName
  location: 'global'
  tags: tags
  properties: { enabledState: 'Enabled' }
}

resource originGroup 'Microsoft.Cdn/profiles/originGroups@2024-09-01' = {
  parent: profile
  name: 'apps'
  properties: {
    loadBalancingSettings: {
      sampleSize: 4
      successfulSamplesRequired: 2
      // Weights count only among origins whose answers are about as quick: both are in one region, and neither may be left out for it.
      additionalLatencyInMilliseconds: 1000
    }
    // The home page needs no key and is no function. Each place of Front Door asks for itself: seldom is often enough.
    healthProbeSettings: {
      probePath: '/'
      probeRequestType: 'HEAD'
      probeProtocol: 'Https'
      probeIntervalInSeconds: 240
    }
    sessionAffinityState: 'Disabled'
  }
}

resource apps 'Microsoft.Cdn/profiles/originGroups/origins@2024-09-01' = [
  for origin in origins: {
    parent: originGroup
    name: origin.name
    properties: {
      hostName: origin.hostName
      // An app answers to its own name only.
      originHostHeader: origin.hostName
      httpsPort: 443
      priority: 1
      weight: max(1, origin.weight)
      enabledState: origin.weight > 0 ? 'Enabled' : 'Disabled'
      enforceCertificateNameCheck: true
    }
  }
]

resource route 'Microsoft.Cdn/profiles/afdEndpoints/routes@2024-09-01' = {
  parent: endpoint
  name: 'all'
  properties: {
    originGroup: { id: originGroup.id }
    supportedProtocols: ['Https']
    patternsToMatch: ['/api/*']
    forwardingProtocol: 'HttpsOnly'
    httpsRedirect: 'Disabled'
    linkToDefaultDomain: 'Enabled'
    enabledState: 'Enabled'
  }
  dependsOn: [apps]
}

output name string = profile.name
output hostName string = endpoint.properties.hostName
