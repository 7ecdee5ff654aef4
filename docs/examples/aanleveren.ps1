# Levert een bestand aan en wacht op het resultaat.
#   $env:SLUIS_URL = 'https://sluis.example.nl'; $env:SLUIS_TOKEN = '…'
#   .\aanleveren.ps1 patienten.csv
# Zo nodig ook: $env:SLUIS_WAIT = 120 (minuten dat dit script hoogstens op het
# resultaat wacht). Het certificaat van een eigen CA hoort in de opslag van Windows
# (Import-Certificate -CertStoreLocation Cert:\CurrentUser\Root ca.cer).
# Einde: 0 alles opgeslagen, 1 een deel afgewezen (zie het foutenrapport naast het
# bestand), 2 afgekeurd of mislukt, 3 een mens moet iets kiezen, 4 niet bereikbaar of
# niet op tijd klaar, 5 het certificaat van Sluis klopt niet.
# Nodig: PowerShell 7.4 of nieuwer.
param([Parameter(Mandatory)] [string] $File)
$ErrorActionPreference = 'Stop'
$site = $env:SLUIS_URL.TrimEnd('/')
$api = "$site/api/v1"
$auth = @{ Authorization = "Bearer $($env:SLUIS_TOKEN)" }

# Vraagt het, en vraagt het opnieuw bij een verbroken verbinding, 429 en 5xx.
function Ask([hashtable] $Request) {
    foreach ($attempt in 0..7) {
        $pause = [Math]::Min(60, [Math]::Pow(2, $attempt))
        try {
            $answer = Invoke-WebRequest @Request -SkipHttpErrorCheck -TimeoutSec 300
            if ($answer.StatusCode -lt 400) { return $answer }
            if ($answer.StatusCode -ne 429 -and $answer.StatusCode -lt 500) {
                $known = "$($answer.Headers['Content-Type'])" -match 'json' # RFC 9457: detail zegt wat er is
                [Console]::Error.WriteLine($(if ($known) { $answer.Content } else { "onverwacht antwoord $($answer.StatusCode): klopt SLUIS_URL?" }))
                exit 2
            }
            if ($answer.Headers['Retry-After']) { $pause = [int]"$($answer.Headers['Retry-After'])" }
        } catch {
            [Console]::Error.WriteLine("geen antwoord: $($_.Exception.Message)")
            # Een certificaat dat niet klopt wordt niet beter door het nog eens te proberen.
            if ($_.Exception.GetBaseException() -is [System.Security.Authentication.AuthenticationException]) { exit 5 }
        }
        Start-Sleep -Seconds $pause
    }
    exit 4
}

# Eén sleutel per aanlevering, bewaard tot het resultaat er is: wordt dit script
# onderbroken, dan hoort de volgende poging bij dezelfde aanlevering.
$keyFile = "$File.sleutel"
if (-not (Test-Path $keyFile)) { [guid]::NewGuid().ToString('N') | Set-Content -NoNewline $keyFile }
$name = [uri]::EscapeDataString((Split-Path $File -Leaf))
$sent = Ask @{
    Uri = "$api/deliveries?filename=$name"; Method = 'Post'; InFile = $File; ContentType = 'application/octet-stream'
    Headers = $auth + @{ 'Idempotency-Key' = (Get-Content -Raw $keyFile) }
}
$id = ($sent.Content | ConvertFrom-Json).id
"aanlevering $id"

$until = (Get-Date).AddMinutes($(if ($env:SLUIS_WAIT) { [double]$env:SLUIS_WAIT } else { 120 }))
while ($true) {
    $answer = Ask @{ Uri = "$api/deliveries/$id"; Headers = $auth }
    $found = $answer.Content | ConvertFrom-Json
    if ($found.status -notin 'queued', 'processing', 'paused') { break }
    if ((Get-Date) -ge $until) {
        [Console]::Error.WriteLine("nog niet klaar ($($found.status)): start dit script later opnieuw, het gaat dan verder met deze aanlevering")
        exit 4
    }
    $wait = if ($answer.Headers['Retry-After']) { [int]"$($answer.Headers['Retry-After'])" } else { 5 }
    Start-Sleep -Seconds $wait
}

"$($found.status): $($found.counts.read) records, $($found.counts.rejected) afgewezen, $($found.counts.review) te beoordelen"
if ($found.status -in 'needs_mapping', 'needs_confirmation', 'checked') {
    "Kies in Sluis hoe het verder moet: $site/aanleveringen/$id"
    exit 3
}
Remove-Item $keyFile
if ($found.status -ne 'done') { $found.reasons | ForEach-Object { " - $($_.message)" }; exit 2 }
if ($found.counts.rejected -eq 0) { exit 0 }
$report = Join-Path (Split-Path (Resolve-Path $File)) ((Split-Path $File -LeafBase) + '-fouten.csv')
$null = Ask @{ Uri = "$api/deliveries/$id/report?format=csv"; Headers = $auth; OutFile = $report; PassThru = $true }
"foutenrapport: $report"
exit 1
