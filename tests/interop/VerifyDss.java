// Verifies bundles with EU DSS, the reference validator, without a network: java -cp … VerifyDss.java ANCHORS INSTANT FILE…
// ANCHORS: certificates, separated by commas. A line for each object: FILE, what it is, its indication and
// sub-indication, separated by tabs.

import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.EvidenceRecordWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.time.Instant;
import java.util.Date;

public class VerifyDss {
    public static void main(String[] arguments) throws Exception {
        CommonTrustedCertificateSource trusted = new CommonTrustedCertificateSource();
        for (String file : arguments[0].split(",")) {
            trusted.addCertificate(DSSUtils.loadCertificate(new File(file)));
        }
        Date at = Date.from(Instant.parse(arguments[1]));
        for (int i = 2; i < arguments.length; i++) {
            tell(arguments[i], trusted, at);
        }
    }

    static void tell(String file, CommonTrustedCertificateSource trusted, Date at) {
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(trusted);
        verifier.setAIASource(null);
        SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(file));
        validator.setCertificateVerifier(verifier);
        validator.setValidationTime(at);
        Reports reports = validator.validateDocument();
        SimpleReport report = reports.getSimpleReport();
        DiagnosticData data = reports.getDiagnosticData();
        for (String id : report.getSignatureIdList()) {
            line(file, report.getTokenFilename(id) + "\t" + report.getSignatureFormat(id), report, id);
        }
        for (EvidenceRecordWrapper each : data.getEvidenceRecords()) {
            line(file, each.getFilename() + "\tRFC 4998", report, each.getId());
        }
        for (TimestampWrapper each : data.getTimestampList()) {
            line(file, each.getType() + "\tRFC 3161", report, each.getId());
        }
    }

    static void line(String file, String what, SimpleReport report, String id) {
        System.out.println(
            file + "\t" + what + "\t" + report.getIndication(id) + "\t" + report.getSubIndication(id));
    }
}
