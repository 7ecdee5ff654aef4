package fhir

import "strings"

// resourceTypes are the resources of FHIR R4 that a hospital's export may hold
// besides its patients. Others are counted without their name.
var resourceTypes = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`
		Account AdverseEvent AllergyIntolerance Appointment AuditEvent Basic Binary BodyStructure Bundle CarePlan CareTeam Claim
		ClinicalImpression CodeSystem Communication Composition Condition Consent Contract Coverage Device DeviceUseStatement
		DiagnosticReport DocumentReference Encounter EpisodeOfCare FamilyMemberHistory Flag Goal Group HealthcareService ImagingStudy
		Immunization Library List Location Measure MeasureReport Media Medication MedicationAdministration MedicationDispense
		MedicationRequest MedicationStatement MessageHeader NamingSystem NutritionOrder Observation OperationOutcome Organization
		Parameters Person Practitioner PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson
		RequestGroup ResearchStudy ResearchSubject RiskAssessment Schedule ServiceRequest Slot Specimen StructureDefinition Subscription
		Substance SupplyDelivery SupplyRequest Task ValueSet VisionPrescription`) {
		m[name] = true
	}
	return m
}()
